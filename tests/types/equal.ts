/** Types compared exactly, for tests that the compiler runs. */
export type Equal<A, B> =
	(<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the two types are the same: `expectType<Equal<typeof value, Expected>>()`. */
export function expectType<_Same extends true>(): void {}
