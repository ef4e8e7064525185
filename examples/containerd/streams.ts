/** `@grpc/grpc-js` over streams of this library: it connects, and we go on with its connection, before the first byte. */
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import { fromNetSocket, toDuplex } from "socketry/node";

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;
type Connected = Awaited<ReturnType<Connector["connect"]>>;

/** Credentials of a channel without encryption: whoever may open the Unix socket may ask. */
export class StreamCredentials extends ChannelCredentials {
	override _isSecure(): boolean {
		return false;
	}

	override _equals(other: ChannelCredentials): boolean {
		return other instanceof StreamCredentials;
	}

	override _createSecureConnector(
		_target: unknown,
		_options: unknown,
		callCredentials: CallCredentials = CallCredentials.createEmpty(),
	): Connector {
		return {
			async connect(socket) {
				const duplex = toDuplex(await fromNetSocket(socket));
				// HTTP/2 takes any duplex; the types of gRPC know the sockets of Node alone.
				return { socket: duplex as unknown as Connected["socket"], secure: false };
			},
			waitForReady: async () => undefined,
			getCallCredentials: () => callCredentials,
			destroy: () => undefined,
		};
	}
}
