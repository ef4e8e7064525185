/** The part of it that the tests use; it has no types of its own. */
declare module "@homebridge/dbus-native" {
	import type { Duplex } from "node:stream";

	interface Client {
		/** Its name on the bus, once the first answer has come. */
		readonly name: string;
		readonly connection: { end(): void };
		listNames(callback: (error: Error | null, names: string[]) => void): void;
		exportInterface(object: object, path: string, description: object): void;
	}

	export function createClient(options: { stream: Duplex }): Client;
}
