"""A client that knows nothing of the node but what its reflection tells, and its health."""

import os

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import MessageToDict, ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from calls import check, run, works

ALICE = "dydx15yk64u7zc9g9k2yr2wmzeva5qgwxps6y0tptef"
channel = grpc.insecure_channel(os.environ["BALLAST_TEST_GRPC"])
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)


def method(path):
    service, name = path.split("/")
    return pool.FindServiceByName(service).FindMethodByName(name)


def call(path, metadata=(), **request):
    """Calls a method by its name, with messages made from what reflection tells."""
    described = method(path)
    types = [message_factory.GetMessageClass(it) for it in (described.input_type, described.output_type)]
    ask = channel.unary_unary(
        f"/{path}", request_serializer=types[0].SerializeToString, response_deserializer=types[1].FromString
    )
    answer, info = ask.with_call(ParseDict(request, types[0]()), metadata=metadata, timeout=10)
    return MessageToDict(answer, descriptor_pool=pool, preserving_proto_field_name=True), info


def reflect(version, **request):
    """One question to the reflection service of this version: both have the same messages."""
    ask = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    [answer] = ask(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=10)
    return answer


def files(answer):
    return [FileDescriptorProto.FromString(it) for it in answer.file_descriptor_response.file_descriptor_proto]


for version in ("v1", "v1alpha"):

    @works(f"{version} list_services")
    def _(version=version):
        names = [it.name for it in reflect(version, list_services="").list_services_response.service]
        assert len(names) == len(set(names)) > 10
        for name in ("dydxprotocol.clob.Query", "cosmos.tx.v1beta1.Service", "grpc.health.v1.Health"):
            assert name in names, names

    @works(f"{version} file_containing_symbol")
    def _(version=version):
        for symbol in ("dydxprotocol.clob.Query", "cosmos.auth.v1beta1.BaseAccount", "dydxprotocol.clob.MsgPlaceOrder"):
            assert files(reflect(version, file_containing_symbol=symbol)), symbol

    @works(f"{version} file_by_filename")
    def _(version=version):
        [asked, *_] = files(reflect(version, file_containing_symbol="dydxprotocol.clob.Query"))
        for name in (asked.name, *asked.dependency):
            assert name in [file.name for file in files(reflect(version, file_by_filename=name))], name

    @check(f"{version}: what is not there is not found")
    def _(version=version):
        answer = reflect(version, file_containing_symbol="no.such.Symbol")
        assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0], answer


@works("describe: every service, every method, and every file that they stand on")
def _():
    methods = 0
    for name in database.get_services():
        methods += len(pool.FindServiceByName(name).methods)
    assert methods > 80, methods
    print(f"       {methods} methods described")


@works("call: dydxprotocol.subaccounts.Query/Subaccount")
def _():
    answer, _ = call("dydxprotocol.subaccounts.Query/Subaccount", owner=ALICE, number=3)
    assert answer["subaccount"]["id"] == {"owner": ALICE, "number": 3}


@works("call: dydxprotocol.clob.Query/ClobPairAll")
def _():
    answer, _ = call("dydxprotocol.clob.Query/ClobPairAll")
    assert len(answer["clob_pair"]) >= 10


@works("call: cosmos.auth.v1beta1.Query/Account, with an Any in its answer")
def _():
    answer, _ = call("cosmos.auth.v1beta1.Query/Account", address=ALICE)
    assert answer["account"]["@type"] == "/cosmos.auth.v1beta1.BaseAccount"
    assert answer["account"]["address"] == ALICE


@works("call: cosmos.base.tendermint.v1beta1.Service/GetLatestBlock")
def _():
    answer, _ = call("cosmos.base.tendermint.v1beta1.Service/GetLatestBlock")
    assert answer["block"]["header"]["chain_id"] == os.environ["BALLAST_TEST_CHAIN_ID"]


@works("call with x-cosmos-block-height, which comes back")
def _():
    metadata = (("x-cosmos-block-height", "1"),)
    _, info = call("cosmos.bank.v1beta1.Query/AllBalances", metadata, address=ALICE)
    assert dict(info.initial_metadata())["x-cosmos-block-height"] == "1", info.initial_metadata()


@check("every query without required arguments is answered, or refused with a reason")
def _():
    counted = {}
    for name in database.get_services():
        if not name.endswith((".Query", ".Service")):
            continue
        for described in pool.FindServiceByName(name).methods:
            if described.client_streaming or described.server_streaming:
                continue
            try:
                call(f"{name}/{described.name}")
                outcome = "OK"
            except grpc.RpcError as error:
                outcome = error.code().name
                assert error.details(), described.full_name
            assert outcome in ("OK", "INVALID_ARGUMENT", "NOT_FOUND"), (described.full_name, outcome)
            counted[outcome] = counted.get(outcome, 0) + 1
    assert counted["OK"] > 20, counted
    print(f"       {counted}")


@works("health: Check")
def _():
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "dydxprotocol.clob.Query"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


@works("health: Watch")
def _():
    answers = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert next(answers).status == health_pb2.HealthCheckResponse.SERVING
    answers.cancel()


@check("health: a service that is not there is not found")
def _():
    try:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=10)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
    else:
        raise AssertionError("it is there")


run()
