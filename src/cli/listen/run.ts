/** What `socketry listen` does. */
import {
	type Address,
	type Datagrams,
	formatAddress,
	type Listener,
	type Overload,
	type PacketStream,
	type RefusedPeer,
	type Stream,
} from "../../index.ts";
import { acceptEach } from "../accept-each.ts";
import type { Context } from "../command.ts";
import { roomFor } from "../descriptor-room.ts";
import { runBridged } from "../exchange/bridged-program.ts";
import { exchangeMessages } from "../exchange/exchange-messages.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { Output } from "../exchange/output.ts";
import { runProgram } from "../exchange/run-program.ts";
import { StandardInput } from "../exchange/standard-input.ts";
import { talk } from "../exchange/talk.ts";
import { EXIT } from "../exit-code.ts";
import { Entrance, type Incoming } from "../incoming.ts";
import { openAll, type Serving } from "../serving.ts";
import { TimeLimit } from "../time-limit.ts";
import { checkTls } from "../tls-options.ts";
import { visibleLine } from "../visible-text.ts";
import { answeringChannel } from "./answering-channel.ts";
import { type Request, readRequest } from "./options.ts";
import { chargen, discard, discardDatagrams, echo, echoDatagrams } from "./services.ts";

const CLOSE_MS = 5_000;
// With a program over TLS: its three standard streams.
const CONNECTION_DESCRIPTORS = 4;

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	await checkTls(request.tlsIn);
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
	readonly #entrance: Entrance;
	#code: number = EXIT.done;
	#failure: Error | undefined;

	constructor(request: Request, limit: TimeLimit, context: Context) {
		this.#request = request;
		this.#limit = limit;
		this.#context = context;
		this.#output = new Output(request);
		this.#entrance = new Entrance(request, limit.signal);
	}

	async run(): Promise<number> {
		let serving: Serving | undefined;
		try {
			serving = await this.#open();
			const [socket] = serving.sockets;
			const { predecessorPid } = serving;
			this.#tell("listening", (socket as Listener<Stream>).address, predecessorPid);
			void serving.successor.then((pid) => {
				if (pid === undefined) return;
				if (this.#request.json) this.#write("successor", { pid });
				else this.#complain(`process ${pid} has taken over`);
			});
			if (this.#request.manner === "datagrams") await this.#hear(socket as Datagrams);
			else await this.#serveAll(socket as Listener<Stream> | Listener<PacketStream>);
		} finally {
			await serving?.leave();
			this.#input.stop();
			await this.#output.finish();
		}
		if (this.#failure !== undefined) throw this.#failure;
		return this.#code;
	}

	async #open(): Promise<Serving> {
		const { address, manner, mode, allow, control, notifies } = this.#request;
		const { signal } = this.#limit;
		const carriesDatagrams = manner === "datagrams";
		const onRefused = ({ peer }: RefusedPeer): void => {
			this.#complain(`refused a connection of user ${peer?.uid ?? "unknown"}`);
		};
		const onOverload = ({ code, refused }: Overload): void => {
			this.#complain(`refused ${refused} connections: ${code}`);
		};
		const isUnix = address.transport.startsWith("unix");
		const options = {
			...{ mode, signal, onStale: "replace-dead" },
			...(carriesDatagrams ? {} : { allow }),
			...(isUnix && !carriesDatagrams ? { onRefused } : {}),
			...(carriesDatagrams ? {} : { onOverload }),
		};
		const wish = { name: formatAddress(address), address, carriesDatagrams, options };
		const say = (text: string): void => this.#complain(text);
		return await openAll([wish], { control, notifies, signal, say });
	}

	async #hear(socket: Datagrams): Promise<void> {
		const { service, count, once } = this.#request;
		if (service === "echo") return await echoDatagrams(socket);
		if (service === "discard") return await discardDatagrams(socket);
		const enough = count ?? (once ? 1 : undefined);
		const options = { ...this.#request, count: enough };
		await exchangeMessages(answeringChannel(socket), this.#input, this.#output, options);
	}

	async #serveAll(listener: Listener<Stream> | Listener<PacketStream>): Promise<void> {
		const { service, once, max } = this.#request;
		try {
			await acceptEach<Stream | PacketStream, Incoming>(listener, {
				max: service === "talk" ? 1 : roomFor(max, CONNECTION_DESCRIPTORS),
				once,
				prepare: (connection) => this.#prepare(connection),
				serve: (incoming) => this.#serve(incoming),
				shed: this.#entrance.shed,
			});
		} finally {
			listener.close();
		}
	}

	async #prepare(accepted: Stream | PacketStream): Promise<Incoming | undefined> {
		try {
			return await this.#entrance.makeReady(accepted);
		} catch (error) {
			if (!this.#limit.signal.aborted) this.#complain((error as Error).message);
			return undefined;
		}
	}

	async #serve(incoming: Incoming): Promise<void> {
		const { json, once } = this.#request;
		const { connection } = incoming;
		const peer = formatAddress(incoming.client);
		if (json) this.#write("connected", { peer });
		try {
			await this.#attend(incoming);
		} catch (error) {
			connection.abort();
			if (this.#limit.signal.aborted && !this.#isTalk) return;
			if (once) this.#failure = error as Error;
			else this.#complain((error as Error).message);
		} finally {
			if (json) this.#write("disconnected", { peer });
		}
	}

	get #isTalk(): boolean {
		return this.#request.service === "talk";
	}

	async #attend(incoming: Incoming): Promise<void> {
		const { service } = this.#request;
		const { connection } = incoming;
		if (service === "talk") {
			return await talk(connection, this.#input, this.#output, this.#request, this.#limit);
		}
		if (service === "exec") return await this.#execute(incoming);
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

	async #execute({ connection, client, destination }: Incoming): Promise<void> {
		const { program, once } = this.#request;
		// Of a proxy they would be taken for those of its client.
		const isCaller = "peerCredentials" in connection && client === connection.peer;
		const isKnown = isCaller && client.transport.startsWith("unix");
		const surroundings = {
			address: destination,
			peer: client,
			credentials: isKnown ? connection.peerCredentials : undefined,
			signal: this.#limit.signal,
			onError: (message: string) => this.#complain(message),
		};
		const code =
			"socket" in connection
				? await runProgram(program, connection.socket, surroundings)
				: await runBridged(program, connection, surroundings);
		if (once) this.#code = code;
		if ("socket" in connection) await connection.close({ timeoutMs: CLOSE_MS });
	}

	#tell(what: "listening", address: Address, predecessorPid: number | undefined): void {
		const text = formatAddress(address);
		if (this.#request.json) this.#write(what, { address: text, predecessorPid });
		else if (!this.#request.isQuiet) this.#context.err.say(`${what} on ${text}`);
	}

	#write(type: string, fields: Readonly<Record<string, unknown>>): void {
		this.#context.out.write(jsonLine(type, fields));
	}

	#complain(message: string): void {
		this.#context.err.say(`socketry listen: ${visibleLine(message)}`);
	}
}
