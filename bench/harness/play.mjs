// Plays one case once with one subject: a fresh server process, a fresh client process, their figures merged.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf } from "./cases.mjs";
import { Child } from "./child.mjs";
import { measureImport } from "./import-cost.mjs";
import { playRelay } from "./play-relay.mjs";
import { subjects } from "./subjects.mjs";

const START_LIMIT_MS = 15_000;
const PARTNER_GRACE_MS = 1500;

// Also when a signal ends the run in the middle of a play.
const directories = new Set();
process.on("exit", () => directories.forEach(removeDirectory));

/** The figures of one play by metric name; rejects with what went wrong. */
export async function playOnce(each, subject, { warmUpMs, measureMs }) {
	if (each.kind === "import") {
		await subject.command();
		return complete(each, measureImport(each.cpus.server));
	}
	const directory = makeDirectory();
	const params = { warmUpMs, measureMs, ...each.params, ...subject.params };
	const limitMs = warmUpMs + measureMs + START_LIMIT_MS;
	const children = [];
	const startProcess = (name, command, cpus) => {
		const child = new Child(name, command, cpus, limitMs);
		children.push(child);
		return child;
	};
	const start = async (player, role, address) => {
		const task = [role, each.name, address, JSON.stringify(params)];
		const command = [...(await player.command()), ...task];
		return startProcess(`${player.name} ${role}`, command, each.cpus[role]);
	};
	try {
		if (each.kind === "relay") {
			const means = { directory, params, start: startProcess };
			return complete(each, await playRelay(each, subject, means));
		}
		const server = await start(subject, "server", addressOf(each.transport, directory));
		const address = await server.ready;
		const client = await start(loader(each) ?? subject, "client", address);
		await Promise.race([server.figures, client.figures]);
		await Promise.all(children.map((child) => child.settle(PARTNER_GRACE_MS)));
		return complete(each, await merged(children));
	} finally {
		for (const child of children) child.kill();
		removeDirectory(directory);
	}
}

// For the Unix sockets of one play.
function makeDirectory() {
	const directory = mkdtempSync(join(tmpdir(), "socketry-bench-"));
	directories.add(directory);
	return directory;
}

function removeDirectory(directory) {
	rmSync(directory, { recursive: true, force: true });
	directories.delete(directory);
}

// The program that opens the connections of accept and idle, the same for every server.
function loader(each) {
	return subjects.find((subject) => subject.name === each.load);
}

async function merged(children) {
	const figures = {};
	for (const child of children) Object.assign(figures, await child.figures.catch(() => ({})));
	return figures;
}

function complete(each, figures) {
	const { sent, received } = figures;
	if (sent !== undefined && received !== undefined) {
		figures.loss_percent = (100 * Math.max(0, sent - received)) / sent;
	}
	for (const { name } of each.metrics) {
		if (!Number.isFinite(figures[name])) throw new Error(`nobody reported ${name}`);
	}
	return figures;
}
