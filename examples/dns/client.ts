/** Asks a DNS server: by UDP, and again by TCP when the answer was cut. */
import { randomInt } from "node:crypto";
import dnsPacket, { type DecodedPacket, type Question, type RecordType } from "dns-packet";
import { connect, type Datagrams, datagrams } from "socketry";

/** Options of `DnsClient.open`. */
export interface DnsClientOptions {
	/** How long one attempt waits for its answer. Default 2000. */
	readonly timeoutMs?: number;
	/** How often a question is sent by UDP before its `query` fails. Default 3. */
	readonly attempts?: number;
}

/** An answer, and how it came. */
export interface DnsReply {
	readonly packet: DecodedPacket;
	readonly by: "udp" | "tcp";
}

interface Pending {
	readonly question: Question;
	readonly resolve: (packet: DecodedPacket) => void;
	readonly reject: (error: unknown) => void;
}

const IDS = 65_536;
const PREFIX_BYTES = 2;

/** Asks one server; many questions may be under way at once. */
export class DnsClient {
	readonly #socket: Datagrams;
	readonly #server: string;
	readonly #timeoutMs: number;
	readonly #attempts: number;
	readonly #pending = new Map<number, Pending>();
	readonly #reading: Promise<void>;

	/** @param server `HOST:PORT`, numeric, an IPv6 address in brackets */
	static async open(server: string, options: DnsClientOptions = {}): Promise<DnsClient> {
		// The kernel drops what comes from others than the server, and chooses a port that is hard to guess.
		return new DnsClient(
			await datagrams(undefined, { connect: `udp://${server}` }),
			server,
			options,
		);
	}

	private constructor(socket: Datagrams, server: string, options: DnsClientOptions) {
		this.#socket = socket;
		this.#server = server;
		this.#timeoutMs = options.timeoutMs ?? 2_000;
		this.#attempts = options.attempts ?? 3;
		this.#reading = this.#read();
	}

	/**
	 * Asks one question.
	 *
	 * @throws {Error} no answer in time
	 * @throws {SyscallError} the server cannot be reached
	 */
	async query(name: string, type: RecordType): Promise<DnsReply> {
		const question: Question = { name, type, class: "IN" };
		for (let attempt = 1; ; attempt++) {
			const packet = await this.#ask(question);
			if (packet?.flag_tc) return { packet: await this.#askByTcp(question), by: "tcp" };
			if (packet !== undefined) return { packet, by: "udp" };
			if (attempt === this.#attempts) {
				throw new Error(`no answer from ${this.#server} to ${name} ${type}`);
			}
		}
	}

	async close(): Promise<void> {
		await this.#socket.close();
		await this.#reading;
	}

	/** Undefined when no answer came in time. */
	async #ask(question: Question): Promise<DecodedPacket | undefined> {
		const id = this.#freeId();
		let timer: NodeJS.Timeout | undefined;
		try {
			const answered = new Promise<DecodedPacket | undefined>((resolve, reject) => {
				this.#pending.set(id, { question, resolve, reject });
				timer = setTimeout(() => resolve(undefined), this.#timeoutMs);
			});
			const sent = this.#socket.send(encodeQuery(id, question));
			return (await Promise.all([answered, sent]))[0];
		} finally {
			clearTimeout(timer);
			this.#pending.delete(id);
		}
	}

	async #askByTcp(question: Question): Promise<DecodedPacket> {
		const wait = { timeoutMs: this.#timeoutMs };
		const id = randomInt(IDS);
		const stream = await connect(`tcp://${this.#server}`, wait);
		try {
			const bytes = encodeQuery(id, question);
			await stream.write(Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]));
			const prefix = Buffer.from(await stream.readExactly(PREFIX_BYTES, wait));
			const packet = decode(await stream.readExactly(prefix.readUInt16BE(), wait));
			if (packet?.id === id && answers(packet, question)) return packet;
			throw new Error(`${this.#server} answered something else than was asked`);
		} finally {
			stream.abort();
		}
	}

	async #read(): Promise<void> {
		while (!this.#socket.closed) {
			try {
				for await (const { data } of this.#socket) this.#accept(decode(data));
			} catch (error) {
				// ECONNREFUSED: nobody listens there.
				for (const { reject } of this.#pending.values()) reject(error);
			}
		}
	}

	/** Takes an answer only to the question that has its number: anybody could send one. */
	#accept(packet: DecodedPacket | undefined): void {
		if (packet === undefined) return;
		const pending = this.#pending.get(packet.id ?? -1);
		if (pending !== undefined && answers(packet, pending.question)) pending.resolve(packet);
	}

	#freeId(): number {
		if (this.#pending.size >= IDS / 2) throw new Error("too many questions are under way");
		for (;;) {
			const id = randomInt(IDS);
			if (!this.#pending.has(id)) return id;
		}
	}
}

function encodeQuery(id: number, question: Question): Buffer {
	const flags = dnsPacket.RECURSION_DESIRED;
	return dnsPacket.encode({ type: "query", id, flags, questions: [question] });
}

function decode(data: Uint8Array): DecodedPacket | undefined {
	try {
		return dnsPacket.decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
	} catch {
		return undefined;
	}
}

function answers(packet: DecodedPacket, { name, type }: Question): boolean {
	const [question] = packet.questions ?? [];
	return (
		packet.flag_qr &&
		question?.type === type &&
		question.name.toLowerCase() === name.toLowerCase().replace(/\.$/, "")
	);
}
