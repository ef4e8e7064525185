/** What every error class of the library is built on. */

/** Any failure that is not a wrong call: `code` tells which, and stays the same for ever. */
export class SocketError extends Error {
	/** Stable identifier, such as `"ECONNREFUSED"` or `"ERR_CLOSED"`. */
	readonly code: string;

	constructor(message: string, code: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/**
 * Gives error classes their names. On the prototypes: a class field would be an own property, and show up in every log line.
 *
 * @param classes by name, which a bundler may have changed on the classes themselves
 */
export function nameClasses(
	classes: Readonly<Record<string, { readonly prototype: Error }>>,
): void {
	for (const [name, { prototype }] of Object.entries(classes)) {
		Object.defineProperty(prototype, "name", { value: name, writable: true, configurable: true });
	}
}

nameClasses({ SocketError });
