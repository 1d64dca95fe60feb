/** Whether typed arrays have the byte order of the wire and of WebAssembly's memory. */
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
