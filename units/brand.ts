/** A number that only its own named function can make, so that a time is never taken for a size. */
declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
