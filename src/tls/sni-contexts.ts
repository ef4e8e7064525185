/** Certificates by the name of the server that a client asks for (SNI). */
import type { SecureContext, SecureContextOptions } from "node:tls";

type Answer = (error: Error | null, context?: SecureContext) => void;

/** The contexts of some names. */
export class SniContexts {
	readonly #contexts: ReadonlyMap<string, SecureContext>;

	/** @param sni by name; a `*` in the place of the first label stands for any one label */
	constructor(
		sni: Readonly<Record<string, SecureContextOptions>>,
		contextOf: (options: SecureContextOptions, name: string) => SecureContext,
	) {
		this.#contexts = new Map(
			Object.entries(sni).map(([name, options]) => [
				name.toLowerCase(),
				contextOf(options, `tls.sni.${name}`),
			]),
		);
	}

	/** The `SNICallback` of Node; for a name that is not known it chooses none. */
	get callback(): (servername: string, answer: Answer) => void {
		return (servername, answer) => answer(null, this.find(servername));
	}

	/** The context of a name: by its own entry, or by that of its domain. */
	find(servername: string): SecureContext | undefined {
		const name = servername.toLowerCase();
		return this.#contexts.get(name) ?? this.#contexts.get(name.replace(/^[^.]+/, "*"));
	}
}
