/** Whether a write failed for want of room, or of quota: it may be tried again when there is some. */
export const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT"].includes(String((error as { readonly code?: unknown } | null)?.code));
