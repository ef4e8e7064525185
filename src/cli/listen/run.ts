/** What `socketry listen` does. */
import {
	type Address,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
	type RefusedPeer,
	type Stream,
} from "../../index.ts";
import { acceptEach } from "../accept-each.ts";
import type { Context } from "../command.ts";
import { exchangeMessages } from "../exchange/exchange-messages.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { Output } from "../exchange/output.ts";
import { runProgram } from "../exchange/run-program.ts";
import { StandardInput } from "../exchange/standard-input.ts";
import { talk } from "../exchange/talk.ts";
import { EXIT } from "../exit-code.ts";
import { TimeLimit } from "../time-limit.ts";
import { answeringChannel } from "./answering-channel.ts";
import { type Request, readRequest } from "./options.ts";
import { chargen, discard, discardDatagrams, echo, echoDatagrams } from "./services.ts";

type Connection = Stream | PacketStream;

const CLOSE_MS = 5_000;

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const limit = new TimeLimit(request.timeoutMs, context.signal);
	const server = new Server(request, limit, context);
	const code = await limit.around(() => server.run());
	return code ?? EXIT.done;
}

class Server {
	readonly #request: Request;
	readonly #limit: TimeLimit;
	readonly #context: Context;
	readonly #input = new StandardInput();
	readonly #output: Output;
	#code: number = EXIT.done;
	#failure: Error | undefined;

	constructor(request: Request, limit: TimeLimit, context: Context) {
		this.#request = request;
		this.#limit = limit;
		this.#context = context;
		this.#output = new Output(request);
	}

	async run(): Promise<number> {
		try {
			if (this.#request.manner === "datagrams") await this.#hear();
			else await this.#serveAll();
		} finally {
			this.#input.stop();
			await this.#output.finish();
		}
		if (this.#failure !== undefined) throw this.#failure;
		return this.#code;
	}

	async #hear(): Promise<void> {
		const { address, mode, service, count, once } = this.#request;
		const { signal } = this.#limit;
		const socket = await datagrams(address, { mode, onStale: "replace-dead", signal });
		this.#tell("listening", socket.address);
		if (service === "echo") return await echoDatagrams(socket);
		if (service === "discard") return await discardDatagrams(socket);
		const enough = count ?? (once ? 1 : undefined);
		const options = { ...this.#request, count: enough };
		await exchangeMessages(answeringChannel(socket), this.#input, this.#output, options);
	}

	async #serveAll(): Promise<void> {
		const { address, mode, allow, service, once, max } = this.#request;
		const { signal } = this.#limit;
		const onRefused = ({ peer }: RefusedPeer): void => {
			this.#complain(`refused a connection of user ${peer?.uid ?? "unknown"}`);
		};
		const listener = (await listen(address, {
			...{ mode, allow, signal, onStale: "replace-dead" },
			...(address.transport.startsWith("unix") ? { onRefused } : {}),
		})) as Listener<Connection>;
		this.#tell("listening", listener.address);
		try {
			await acceptEach(listener, {
				max: service === "talk" ? 1 : max,
				once,
				serve: (connection) => this.#serve(connection),
			});
		} finally {
			listener.close();
		}
	}

	async #serve(connection: Connection): Promise<void> {
		const { json, once } = this.#request;
		const { peer } = connection;
		if (json) this.#write("connected", { peer: formatAddress(peer) });
		try {
			await this.#attend(connection);
		} catch (error) {
			connection.abort();
			if (this.#limit.signal.aborted && !this.#isTalk) return;
			if (once) this.#failure = error as Error;
			else this.#complain((error as Error).message);
		} finally {
			if (json) this.#write("disconnected", { peer: formatAddress(peer) });
		}
	}

	get #isTalk(): boolean {
		return this.#request.service === "talk";
	}

	async #attend(connection: Connection): Promise<void> {
		const { service, program } = this.#request;
		if (service === "talk") {
			return await talk(connection, this.#input, this.#output, this.#request, this.#limit);
		}
		if (service === "exec") {
			const code = await runProgram(program, connection.socket.fd, {
				address: connection.address,
				peer: connection.peer,
				signal: this.#limit.signal,
				onError: (message) => this.#complain(message),
			});
			if (this.#request.once) this.#code = code;
			return await connection.close({ timeoutMs: CLOSE_MS });
		}
		const end = (): void => {
			if (service === "chargen") connection.abort();
			else connection.close({ timeoutMs: CLOSE_MS }).catch(() => connection.abort());
		};
		this.#limit.signal.addEventListener("abort", end, { once: true });
		try {
			await { echo, discard, chargen }[service](connection);
		} finally {
			this.#limit.signal.removeEventListener("abort", end);
		}
	}

	#tell(what: "listening", address: Address): void {
		const text = formatAddress(address);
		if (this.#request.json) this.#write(what, { address: text });
		else if (!this.#request.isQuiet) this.#context.err.write(`${what} on ${text}\n`);
	}

	#write(type: string, fields: Readonly<Record<string, unknown>>): void {
		this.#context.out.write(jsonLine(type, fields));
	}

	#complain(message: string): void {
		this.#context.err.write(`socketry listen: ${message}\n`);
	}
}
