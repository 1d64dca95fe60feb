import { describe, expect, it } from "vitest";
import type { Disk } from "../../src/model/disk.ts";

export const text = (bytes: Uint8Array | null): string | null => bytes && new TextDecoder().decode(bytes);
export const utf8 = (of: string): Uint8Array => new TextEncoder().encode(of);

/** What every disk promises; `open` gives a new one, and another view of the same files. */
export function diskSuite(
  name: string,
  open: () => { readonly disk: Disk; readonly again: () => Disk },
): void {
  describe(`disk: ${name}`, () => {
    it("has nothing at first", async () => {
      const { disk } = open();
      expect(await disk.list()).toEqual([]);
      expect(await disk.read("a")).toBeNull();
      await disk.flush("a");
      await disk.remove(["a"]);
      expect(await disk.list()).toEqual([]);
    });

    it("writes, replaces, and tells names in order, for whoever looks", async () => {
      const { disk, again } = open();
      await disk.write("b", utf8("long before"));
      await disk.write("b", utf8("after"));
      await disk.write("a", utf8(""));
      expect(text(await disk.read("b"))).toBe("after");
      expect(await again().list()).toEqual(["a", "b"]);
      expect(text(await again().read("b"))).toBe("after");
      expect(text(await again().read("a"))).toBe("");
    });

    it("creates what is not there, whole, and nothing else", async () => {
      const { disk, again } = open();
      expect(await disk.create("a", utf8("first"))).toBe(true);
      expect(await again().create("a", utf8("second"))).toBe(false);
      expect(text(await disk.read("a"))).toBe("first");
      const many = await Promise.all(Array.from({ length: 8 }, (_, i) => again().create("b", utf8(`${i}`))));
      expect(many.filter((isNew) => isNew)).toHaveLength(1);
      expect(text(await disk.read("b"))).toBe(String(many.indexOf(true)));
      expect(await disk.list()).toEqual(["a", "b"]);
    });

    it("extends what is there, or nothing", async () => {
      const { disk, again } = open();
      await disk.extend("a", 0, utf8("one "));
      await again().extend("a", 4, utf8("two "));
      await disk.extend("a", 8, utf8(""));
      await disk.flush("a");
      await disk.extend("a", 8, utf8("three"));
      expect(text(await disk.read("a"))).toBe("one two three");
      await disk.extend("empty", 0, utf8(""));
      expect(text(await disk.read("empty"))).toBe("");
      await expect(disk.extend("missing", 1, utf8("x"))).rejects.toMatchObject({ code: "ENOENT" });
      await expect(disk.extend("empty", 1, utf8("x"))).rejects.toThrow("1 is in the file of 0 bytes");
      expect(await disk.list()).toEqual(["a", "empty"]);
      expect(text(await disk.read("empty"))).toBe("");
    });

    it("does it again where it ended early, and cuts nothing off", async () => {
      const { disk, again } = open();
      await disk.write("a", utf8("head "));
      await disk.extend("a", 5, utf8("one "));
      await again().extend("a", 5, utf8("one two"));
      await disk.extend("a", 5, utf8("one "));
      expect(text(await disk.read("a"))).toBe("head one two");
    });

    it("removes those that are there, and only them", async () => {
      const { disk, again } = open();
      for (const file of ["a", "b", "c"]) await disk.write(file, utf8(file));
      await disk.remove(["c", "missing", "a"]);
      expect(await again().list()).toEqual(["b"]);
      await disk.extend("a", 0, utf8("new"));
      expect(text(await again().read("a"))).toBe("new");
    });

    it("hands out and takes in copies", async () => {
      const { disk } = open();
      const bytes = utf8("abc");
      await disk.write("a", bytes);
      bytes[0] = 0;
      (await disk.read("a"))![1] = 0;
      expect(text(await disk.read("a"))).toBe("abc");
    });

    it.each(["../a", "a/b", "/a", "", ".", "..", ".hidden", "a\\b", "a\0", "x".repeat(201)])(
      "takes no name that leads elsewhere: %j",
      async (bad) => {
        const { disk } = open();
        await expect(disk.write(bad, utf8("x"))).rejects.toThrow("is the name of a file");
        await expect(disk.extend(bad, 0, utf8("x"))).rejects.toThrow("is the name of a file");
        await expect(disk.create(bad, utf8("x"))).rejects.toThrow("is the name of a file");
        expect(await disk.list()).toEqual([]);
      },
    );
  });
}
