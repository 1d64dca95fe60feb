// Original file: proto/fedpress/v1/task.proto

import type { ValueCoder as _fedpress_v1_ValueCoder, ValueCoder__Output as _fedpress_v1_ValueCoder__Output } from '../../fedpress/v1/ValueCoder.ts';
import type { Blocks as _fedpress_v1_Blocks, Blocks__Output as _fedpress_v1_Blocks__Output } from '../../fedpress/v1/Blocks.ts';
import type { Budget as _fedpress_v1_Budget, Budget__Output as _fedpress_v1_Budget__Output } from '../../fedpress/v1/Budget.ts';

export interface Codec {
  'topK'?: (number | string);
  'coder'?: (_fedpress_v1_ValueCoder);
  'uniformBits'?: (number);
  'threshold'?: (number | string);
  'randomK'?: (number | string);
  'blocks'?: (_fedpress_v1_Blocks | null);
  'stochasticBits'?: (number);
  'qsgdLevels'?: (number);
  'codebook'?: (number);
  'levels'?: (number);
  'edenBits'?: (number);
  'lowRank'?: (number);
  'rows'?: (number | string);
  'filters'?: (number | string);
  'topKByRate'?: (number | string);
  'budget'?: (_fedpress_v1_Budget | null);
  'select'?: "topK"|"threshold"|"randomK"|"blocks"|"lowRank"|"rows"|"filters"|"topKByRate"|"budget";
  'values'?: "coder"|"uniformBits"|"stochasticBits"|"qsgdLevels"|"codebook"|"levels"|"edenBits";
}

export interface Codec__Output {
  'topK'?: (number);
  'coder'?: (_fedpress_v1_ValueCoder__Output);
  'uniformBits'?: (number);
  'threshold'?: (number);
  'randomK'?: (number);
  'blocks'?: (_fedpress_v1_Blocks__Output | null);
  'stochasticBits'?: (number);
  'qsgdLevels'?: (number);
  'codebook'?: (number);
  'levels'?: (number);
  'edenBits'?: (number);
  'lowRank'?: (number);
  'rows'?: (number);
  'filters'?: (number);
  'topKByRate'?: (number);
  'budget'?: (_fedpress_v1_Budget__Output | null);
  'select'?: "topK"|"threshold"|"randomK"|"blocks"|"lowRank"|"rows"|"filters"|"topKByRate"|"budget";
  'values'?: "coder"|"uniformBits"|"stochasticBits"|"qsgdLevels"|"codebook"|"levels"|"edenBits";
}
