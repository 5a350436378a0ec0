/** What a reliable connection has scheduled on the engine's sink: its timers, and the end of an atomic. */
export const RC_EVENT = { timer: 1, rnrOver: 2, atomic: 3 } as const;
