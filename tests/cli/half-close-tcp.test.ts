import { testHalfClose } from "./half-close.ts";

testHalfClose("tcp");
