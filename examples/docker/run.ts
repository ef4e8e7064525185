/**
 * Runs a command in a container, as `docker run -i --rm --network none IMAGE COMMAND`: its input and output are those of the command.
 *
 *     podman system service --time=0 unix:///tmp/podman.sock &
 *     echo hello | node examples/docker/run.ts unix:/tmp/podman.sock busybox sha256sum
 */
import { Engine, outputOf } from "./engine.ts";

const [address = "unix:/run/docker.sock", Image = "busybox", ...Cmd] = process.argv.slice(2);
const engine = new Engine(address as `unix:${string}`);
const { Id } = await engine.json<{ Id: string }>("POST", "/containers/create", {
	...{ Image, Cmd, OpenStdin: true, StdinOnce: true },
	...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
	HostConfig: { NetworkMode: "none" },
});
try {
	const stream = await engine.attach(Id);
	await engine.request("POST", `/containers/${Id}/start`);
	const sent = (async () => {
		for await (const chunk of process.stdin) await stream.write(chunk as Uint8Array);
		// The command sees the end of its input, and goes on to say what it has found.
		await stream.closeWrite();
	})();
	// A command need not read what it is sent.
	sent.catch(() => undefined);
	for await (const { channel, data } of outputOf(stream)) process[channel].write(data);
	process.stdin.destroy();
	stream.abort();
	const ended = await engine.json<{ StatusCode: number }>("POST", `/containers/${Id}/wait`);
	process.exitCode = ended.StatusCode;
} finally {
	await engine.request("DELETE", `/containers/${Id}?force=true`);
	await engine.close();
}
