/**
 * Asks servers in turn, many times, each question after the answer to the last: SERVER... Each answers a question by the same bytes. Whatever
 * was under way between the servers has gone to and fro meanwhile.
 */
import { datagrams } from "socketry";
import { PATIENT } from "../support/patience.ts";

const ROUNDS = 20;
let answers = 0;
for (const server of process.argv.slice(2)) {
	const asker = await datagrams(undefined, { connect: `udp://${server}` });
	for (let round = 0; round < ROUNDS; round++) {
		const question = `question ${round}`;
		await asker.send(question);
		const { data } = await asker.receive(PATIENT);
		if (Buffer.from(data).toString() === question) answers++;
	}
	await asker.close();
}
console.log(answers);
