/** What this example asks of containerd, of its API as of version 1: github.com/containerd/containerd/tree/main/api. */
import {
	type ChannelCredentials,
	loadPackageDefinition,
	type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

type Fields = Readonly<Record<string, { type: string; id: number; rule?: "repeated" }>>;

/** A package `containerd.services.NAME.v1` with one service and its messages. */
function service(
	name: string,
	methods: object,
	messages: Readonly<Record<string, Fields>>,
): Record<string, unknown> {
	const types = Object.entries(messages).map(([type, fields]) => [type, { fields }]);
	return { nested: { v1: { nested: { [name]: { methods }, ...Object.fromEntries(types) } } } };
}

const EMPTY = "google.protobuf.Empty";
const string = (id: number): Fields[string] => ({ type: "string", id });
const bytes = (id: number): Fields[string] => ({ type: "bytes", id });
const int64 = (id: number): Fields[string] => ({ type: "int64", id });

const services = {
	version: service(
		"Version",
		{ Version: { requestType: EMPTY, responseType: "VersionResponse" } },
		{ VersionResponse: { version: string(1), revision: string(2) } },
	),
	namespaces: service(
		"Namespaces",
		{
			List: { requestType: "ListRequest", responseType: "ListResponse" },
			Create: { requestType: "CreateRequest", responseType: "CreateRequest" },
			Delete: { requestType: "DeleteRequest", responseType: EMPTY },
		},
		{
			Namespace: { name: string(1) },
			ListRequest: { filter: string(1) },
			ListResponse: { namespaces: { type: "Namespace", id: 1, rule: "repeated" } },
			CreateRequest: { namespace: { type: "Namespace", id: 1 } },
			DeleteRequest: { name: string(1) },
		},
	),
	content: service(
		"Content",
		{
			Write: {
				...{ requestType: "WriteRequest", requestStream: true },
				...{ responseType: "WriteResponse", responseStream: true },
			},
			Read: { requestType: "ReadRequest", responseType: "ReadResponse", responseStream: true },
			Delete: { requestType: "ReadRequest", responseType: EMPTY },
		},
		{
			WriteRequest: {
				action: { type: "int32", id: 1 },
				ref: string(2),
				offset: int64(5),
				data: bytes(6),
			},
			WriteResponse: { action: { type: "int32", id: 1 }, offset: int64(4), digest: string(6) },
			ReadRequest: { digest: string(1) },
			ReadResponse: { offset: int64(1), data: bytes(2) },
		},
	),
	events: service(
		"Events",
		{ Subscribe: { requestType: "Request", responseType: "Envelope", responseStream: true } },
		{
			Request: { filters: { type: "string", id: 1, rule: "repeated" } },
			Envelope: { namespace: string(2), topic: string(3) },
		},
	),
};

const empty = { nested: { protobuf: { nested: { Empty: { fields: {} } } } } };
const definition = fromJSON(
	{
		nested: { google: empty, containerd: { nested: { services: { nested: services } } } },
	} as object,
	{ longs: Number, defaults: true },
);
const root = loadPackageDefinition(definition) as unknown as {
	readonly containerd: {
		readonly services: Record<string, { v1: Record<string, ServiceClientConstructor> }>;
	};
};

/** A service of containerd. */
export interface Service {
	/** Begins a call of gRPC, as the method of that name of `@grpc/grpc-js`. */
	call<T>(method: string, ...args: unknown[]): T;
	close(): void;
}

export function serviceAt(
	address: string,
	name: keyof typeof services,
	credentials: ChannelCredentials,
): Service {
	const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
	const Client = root.containerd.services[name]?.v1[type] as ServiceClientConstructor;
	const client = new Client(address, credentials);
	return {
		call: (method, ...args) => client[method]?.(...args),
		close: () => client.close(),
	};
}
