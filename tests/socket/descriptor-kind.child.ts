/** Says what some descriptors are, where /proc is not mounted. */
import { existsSync, openSync } from "node:fs";
import { Memfd, OwnedDescriptor } from "socketry";
import { socket } from "socketry/socket";
import { sys } from "socketry/sys";

if (existsSync("/proc/self")) throw new Error("/proc is mounted");
const descriptors = [
	openSync(new URL(import.meta.url), "r"),
	Memfd.create(1).detachFd(),
	socket("inet", "dgram").detachFd(),
	openSync("/dev/null", "r"),
	sys.pidfd_open(process.pid, 0),
];
console.log(descriptors.map((fd) => OwnedDescriptor.fromFd(fd).kind).join(" "));
