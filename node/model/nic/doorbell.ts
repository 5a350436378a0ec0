/** What a doorbell is for. */
export const DOORBELL = { send: 0, receive: 1 } as const;
