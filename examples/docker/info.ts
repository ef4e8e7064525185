/**
 * What the engine of containers on this host is, and which images it has.
 *
 *     node examples/docker/info.ts unix:/run/docker.sock
 */
import { Engine } from "./engine.ts";

interface Info {
	readonly Driver: string;
	readonly Containers: number;
	readonly OperatingSystem: string;
}

interface Image {
	readonly Id: string;
	readonly RepoTags?: readonly string[] | null;
	readonly Size: number;
}

const [address = "unix:/run/docker.sock"] = process.argv.slice(2);
const engine = new Engine(address as `unix:${string}`);
console.log(`ping: ${await (await engine.request("GET", "/_ping")).text()}`);
const { Version } = await engine.json<{ Version: string }>("GET", "/version");
const { Driver, Containers, OperatingSystem } = await engine.json<Info>("GET", "/info");
console.log(`version ${Version} on ${OperatingSystem}, ${Driver}, ${Containers} containers`);
for (const { Id, RepoTags, Size } of await engine.json<Image[]>("GET", "/images/json")) {
	console.log(`image ${RepoTags?.[0] ?? Id} ${Size}`);
}
await engine.close();
