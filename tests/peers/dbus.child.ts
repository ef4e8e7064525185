/** Becomes a user, and says to a bus that it is one. Arguments: the path of the bus, the user, whom it claims to be. Prints what became of it. */
import { socketpair } from "socketry";
import { Bus } from "./dbus-bus.ts";

const [path = "", user = "", claim = ""] = process.argv.slice(2);
// While the files of the package can be read.
for (const end of socketpair()) await end.close();
process.setgroups?.([]);
process.setgid?.(Number(user));
process.setuid?.(Number(user));
try {
	const bus = await Bus.connect(path, Number(claim));
	console.log(bus.name);
	await bus.close();
} catch (error) {
	console.log(String(error));
}
