// Uniform draws of [0, 1), float32s of 24 bits, from xoshiro128** (Blackman and Vigna, 2018), as src/model/rng.ts has it.
// `state` is its four uint32s.

/** As many draws of one lane as `drawLanes` gives. */
const LANE = 8192;

/** The next `count` draws. */
export function draw(state: usize, count: i32, out: usize): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  for (const end = out + (<usize>count << 2); out < end; out += 4) {
    store<f32>(out, <f32>((rotl<u32>(b * 5, 7) * 9) >> 8) * <f32>(1.0 / 16777216));
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
  }
  store<u32>(state, a);
  store<u32>(state, b, 4);
  store<u32>(state, c, 8);
  store<u32>(state, d, 12);
}

/** The next 4 * LANE draws, of four lanes at once that begin LANE draws apart; `state` has room for four. */
export function drawLanes(state: usize, out: usize): void {
  for (let lane: usize = 0; lane < 48; lane += 16) jump(state + lane, state + lane + 16);
  let a = across(state), b = across(state + 4), c = across(state + 8), d = across(state + 12);
  for (const end = out + (LANE << 2); out < end; out += 16) {
    let w: v128 = i32x4.splat(0), x = w, y = w, z = w;
    for (let i = 0; i < 4; i++) {
      w = x;
      x = y;
      y = z;
      z = drawsOf(b);
      const t = i32x4.shl(b, 9);
      c = v128.xor(c, a);
      d = v128.xor(d, b);
      b = v128.xor(b, c);
      a = v128.xor(a, d);
      c = v128.xor(c, t);
      d = rotated(d, 11);
    }
    const wx = v128.shuffle<i32>(w, x, 0, 4, 1, 5), yz = v128.shuffle<i32>(y, z, 0, 4, 1, 5);
    const WX = v128.shuffle<i32>(w, x, 2, 6, 3, 7), YZ = v128.shuffle<i32>(y, z, 2, 6, 3, 7);
    v128.store(out, v128.shuffle<i64>(wx, yz, 0, 2));
    v128.store(out + (LANE << 2), v128.shuffle<i64>(wx, yz, 1, 3));
    v128.store(out + (LANE << 3), v128.shuffle<i64>(WX, YZ, 0, 2));
    v128.store(out + 3 * (LANE << 2), v128.shuffle<i64>(WX, YZ, 1, 3));
  }
  store<i32>(state, i32x4.extract_lane(a, 3));
  store<i32>(state, i32x4.extract_lane(b, 3), 4);
  store<i32>(state, i32x4.extract_lane(c, 3), 8);
  store<i32>(state, i32x4.extract_lane(d, 3), 12);
}

/**
 * The state after LANE steps. A step is linear over GF(2), so that x^LANE modulo its characteristic polynomial, of 128
 * bits, says which of the next 128 states add up to it.
 */
function jump(from: usize, to: usize): void {
  let state = v128.load(from), sum = i32x4.splat(0);
  for (let word = 0; word < 4; word++) {
    const bits: u32 = word < 2 ? (word == 0 ? 0x8a2979a9 : 0x60e16970) : word == 2 ? 0x8b01ce7b : 0xc9d1ce32;
    for (let i: u32 = 0; i < 32; i++) {
      if (((bits >> i) & 1) != 0) sum = v128.xor(sum, state);
      state = stepped(state);
    }
  }
  v128.store(to, sum);
}

/** The next state of the four words a, b, c, d. */
@inline
function stepped(s: v128): v128 {
  const a = i32x4.extract_lane(s, 0), b = i32x4.extract_lane(s, 1);
  const c = i32x4.extract_lane(s, 2) ^ a, d = i32x4.extract_lane(s, 3) ^ b;
  let next = i32x4.replace_lane(s, 0, a ^ d);
  next = i32x4.replace_lane(next, 1, b ^ c);
  next = i32x4.replace_lane(next, 2, c ^ (b << 9));
  return i32x4.replace_lane(next, 3, rotl(d, 11));
}

/** One word of each of four states. */
@inline
function across(state: usize): v128 {
  let four = v128.load32_zero(state);
  four = v128.load32_lane(state + 16, four, 1);
  four = v128.load32_lane(state + 32, four, 2);
  return v128.load32_lane(state + 48, four, 3);
}

@inline
function drawsOf(b: v128): v128 {
  const r = rotated(i32x4.add(i32x4.shl(b, 2), b), 7);
  const word = i32x4.add(i32x4.shl(r, 3), r);
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), f32x4.splat(1.0 / 16777216));
}

@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shl(x, by), i32x4.shr_u(x, 32 - by));
}
