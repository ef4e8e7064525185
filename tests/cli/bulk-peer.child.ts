/** Sends without end over descriptor 3 and reads what comes, until it is killed: `SEED OTHER_SEED`. */
import { connect } from "socketry";
import type { Connection } from "./chain.ts";
import { Pattern } from "./pattern.ts";

const [mine, theirs] = process.argv.slice(2).map((seed) => new Pattern(Number(seed)));
const connection = (await connect("fd:3")) as Connection;
await Promise.all([
	mine?.send(connection, Number.MAX_SAFE_INTEGER),
	mine?.receive(connection, theirs as Pattern),
]);
