/** Holds a lock until it is killed. Argument: the file. */
import { openSync } from "node:fs";
import { LOCK_EX, sys } from "socketry/sys";

const [path = ""] = process.argv.slice(2);
const fd = openSync(path, "w");
console.log(sys.flock(fd, LOCK_EX) === 0 ? "held" : "not held");
setInterval(() => {}, 60_000);
