/** A test file whose time will be up: it has a child, and that has one with a session of its own. Prints their numbers. */
import { startProgram } from "../support/children.ts";

const shell = startProgram(["sh", "-c", "setsid sleep 300 & echo $!; exec sleep 300"]);
console.log(`${shell.pid} ${await shell.line()}`);
await shell.ended;
