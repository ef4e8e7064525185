/** Options of connect, listen and relay that would be passed over, or cannot be: each is a mistake that is explained, before anything is opened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "./program.ts";

const MISTAKES: readonly (readonly [line: string, message: RegExp])[] = [
	["connect unix-dgram:./s --as-owner 1", /unix: and unix-seqpacket: only/],
	["connect 1 --as-owner 1", /unix: and unix-seqpacket: only/],
	["connect 1 --crlf -- cat", /--crlf is for talking here, and cannot go with a program/],
	["connect ./s --send-fd 0 -- cat", /--send-fd is for talking here/],
	["connect ./s --pass-fd --hex", /cannot go with --pass-fd/],
	["connect ./s --send-fd 99", /no such descriptor/],
	["connect 1 --send-fd 0", /--send-fd is for Unix sockets only: no descriptor gets to tcp:/],
	["connect h:1 --proxy socks5://p:1 --send-fd 0", /--send-fd is for Unix sockets only/],
	["notify", /say what there is to tell, such as --ready/],
	["notify --timeout 1s", /say what there is to tell/],
	["connect udp://h:1 --keep", /--keep needs connections/],
	["listen 1 --allow user=0", /who calls at tcp:\/\/127\.0\.0\.1:1 is not known/],
	["listen unix-dgram:./s --allow user=0", /who calls at .* is not known/],
	["listen 1 --mode 600", /--mode is for socket files/],
	["listen @x --mode 600", /--mode is for socket files/],
	["listen 1 --max 2", /--max is for --exec/],
	["listen 1 --echo --hex", /--hex is for talking here, and --echo does not/],
	["listen 1 --idle 1s", /--idle is for datagrams/],
	["listen udp://*:1 --echo --once", /--once needs connections/],
	["listen udp://*:1 --discard --max 2", /--max counts connections/],
	["relay 1 2 --allow user=0", /who calls at tcp:\/\/127\.0\.0\.1:1 is not known/],
	["relay ./a=2 1=2 --allow user=0", /who calls at tcp:\/\/127\.0\.0\.1:1 is not known/],
	["relay unix-dgram:./a udp://h:2 --allow user=0", /is not known/],
	["relay 1=2 3=4 --mode 600", /--mode is for socket files/],
	["connect http://h/x", /"http:\/\/h\/x" is no address: it is a URL; write tcp:\/\/h:80/],
	["connect localhost", /the port is missing; write tcp:\/\/localhost:PORT/],
	["listen TCP-LISTEN:80", /did you mean tcp:\/\/HOST:80\?/],
	["listen UNIX-LISTEN:./a", /did you mean unix:\.\/a\?/],
	["listen a", /"a" is no address: write a port \(8080\), HOST:PORT/],
];

for (const [line, message] of MISTAKES) {
	test(`${line} is a mistake that is explained`, async () => {
		const { code, stderr } = await runProgram(line.split(" "));
		assert.equal(code, 2, stderr);
		assert.match(stderr, message);
	});
}
