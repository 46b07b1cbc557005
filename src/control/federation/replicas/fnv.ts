/** FNV-1, 32 bits (Fowler, Noll, Vo): kubefed's tie-break between clusters of equal weight. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0;
  return hash;
}
