/** Socket options by their kernel names, typed; those of a connection from its start; what the kernel knows of a TCP connection. */
import { connect, listen, supports } from "socketry";
import { describeOption } from "socketry/socket";
import { IPPROTO_TCP, TCP_NODELAY } from "socketry/sys";

await using listener = await listen("tcp://127.0.0.1:0");
const { port } = listener.address;
const stream = await connect(`tcp://127.0.0.1:${port}`, {
	noDelay: true, // the default
	keepAlive: { idleSeconds: 60, intervalSeconds: 10, count: 3 },
	prepare: (socket) => socket.setOption("SO_RCVBUF", 65_536), // before it connects
});
const { socket } = stream;
console.log(socket.getOption("TCP_KEEPIDLE"), socket.getOption("SO_KEEPALIVE"));

const { state, sndMssBytes, rttUs } = socket.getOption("TCP_INFO");
console.log(state, sndMssBytes > 500, rttUs > 0);

// Any other by level and number: nobody is stuck.
console.log(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY, 4)[0]);

const { since, unit, man } = describeOption("TCP_USER_TIMEOUT");
console.log(`TCP_USER_TIMEOUT: ${unit}, ${since || "any kernel"}, ${man}`);
if (supports("TCP_USER_TIMEOUT")) socket.setOption("TCP_USER_TIMEOUT", 5000);
await stream.close();
