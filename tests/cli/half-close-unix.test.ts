import { testHalfClose } from "./half-close.ts";

testHalfClose("unix");
testHalfClose("seqpacket");
