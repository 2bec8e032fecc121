"""Faults of the HTTP API."""

from faults import api, events, fault, first
from rules.gateway import dear

ACCESS = "each access is a line of JSON with its request's id and without secrets"


@fault("no route ends in a slash", source=True)
def slash(sources):
    all_of_it, name, event = next(events(sources, "HttpApi"))
    path = event["Properties"]["Path"] + "/"
    all_of_it[f"{name}Slash"] = {"Type": "HttpApi", "Properties": {**event["Properties"], "Path": path}}


@fault("an API that would be imported with warnings is refused", source=True)
def warnings_pass(sources):
    api(sources).pop("FailOnWarnings", None)


@fault("routes are those of the OpenAPI document")
def route_without_a_document(deployment):
    paths = deployment.sources.openapi["paths"]
    paths.pop(next(path for path in paths if path != "/metrics"))


@fault("routes are those of the OpenAPI document")
def document_without_a_route(deployment):
    deployment.sources.openapi["paths"]["/api/v1/strange"] = {"get": {"responses": {}}}


@fault("every other request reaches a function that has no data")
def no_default_route(deployment):
    first(deployment, "AWS::ApiGatewayV2::Api")["Body"]["paths"].pop("/$default", None)


@fault("HEAD is there where GET needs no sign-in, and nowhere else")
def no_head(deployment):
    first(deployment, "AWS::ApiGatewayV2::Api")["Body"]["paths"]["/docs"].pop("head", None)


@fault("HEAD is there where GET needs no sign-in, and nowhere else")
def head_for_all(deployment):
    path = first(deployment, "AWS::ApiGatewayV2::Api")["Body"]["paths"]["/api/v1/users/me"]
    path["head"] = path["get"]


@fault("CORS names its origins in a list, and all else that the template says", source=True)
def origins_in_a_string(sources):
    sources.template["Parameters"]["CorsOrigins"]["Type"] = "String"
    sources.template["Globals"]["Function"]["Environment"]["Variables"]["CORS_ORIGINS"] = {"Ref": "CorsOrigins"}


@fault("CORS names its origins in a list, and all else that the template says", source=True)
def origins_by_a_function(sources):
    api(sources)["CorsConfiguration"]["AllowOrigins"] = {"Fn::Split": [",", {"Ref": "FrontendUrl"}]}


@fault("CORS names its origins in a list, and all else that the template says", source=True)
def any_origin(sources):
    api(sources)["CorsConfiguration"]["AllowOrigins"] = ["*"]


@fault("the stage has a throttle", source=True)
def no_throttle(sources):
    api(sources)["DefaultRouteSettings"] = {"ThrottlingRateLimit": 10_000}


@fault("routes that take a password or send mail have a tighter throttle")
def one_throttle(deployment):
    settings = first(deployment, "AWS::ApiGatewayV2::Stage")["RouteSettings"]
    settings.pop(next(dear(deployment)))


@fault("throttles are for routes that there are")
def throttle_of_nothing(deployment):
    first(deployment, "AWS::ApiGatewayV2::Stage")["RouteSettings"]["GET /strange"] = {}


@fault(ACCESS, source=True)
def no_access_log(sources):
    api(sources).pop("AccessLogSettings", None)


def log_as(deployment, line):
    first(deployment, "AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["Format"] = line


@fault(ACCESS)
def token_in_the_log(deployment):
    log_as(deployment, '{"requestId": "$context.requestId", "token": "$request.header.authorization"}')


@fault(ACCESS)
def log_of_words(deployment):
    log_as(deployment, "$context.requestId $context.status")


@fault(ACCESS)
def number_without_quotes(deployment):
    log_as(deployment, '{"requestId": "$context.requestId", "ms": $context.integrationLatency}')


@fault(ACCESS)
def quotes_in_quotes(deployment):
    log_as(deployment, '{"requestId": "$context.requestId", "error": "$context.error.messageString"}')


@fault(ACCESS)
def line_without_id(deployment):
    log_as(deployment, '{"status": "$context.status"}')


@fault("with a domain of its own the API answers there alone")
def two_addresses(deployment):
    first(deployment, "AWS::ApiGatewayV2::Api")["Body"].pop("servers", None)


@fault("each server of the API has a URL", deployment="dev", source=True)
def server_of_the_translator(sources):
    api(sources)["DefinitionBody"].pop("servers", None)


@fault("the domain speaks TLS 1.2 at least")
def tls_1(deployment):
    domain = first(deployment, "AWS::ApiGatewayV2::DomainName")
    domain["DomainNameConfigurations"][0]["SecurityPolicy"] = "TLS_1_0"
