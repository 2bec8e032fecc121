"""The HTTP API: routes, CORS, throttles, and the log of accesses."""

import json
import re

from evaluate import symbols
from rules import plural, rule

METHODS = {"get", "post", "put", "patch", "delete"}
# The allowed contents of an access log line: no secret that a client sends. The path is allowed, since no route has a token in it.
LOGGED = re.compile(
    r"requestId|extendedRequestId|requestTime|requestTimeEpoch|httpMethod|routeKey|path|status|protocol|stage|apiId|domainName"
    r"|identity\.sourceIp|identity\.userAgent|responseLength|responseLatency|dataProcessed|awsEndpointRequestId"
    r"|integrationLatency|integrationStatus|integrationErrorMessage|integration\.[a-zA-Z]+|error\.(message|responseType)"
)
# An account's limits of API Gateway: a throttle that is not below them has no effect.
ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000


def documented(deployment):
    """The operations of the OpenAPI document by route."""
    paths = deployment.sources.openapi["paths"].items()
    return {f"{m.upper()} {path}": o for path, operations in paths for m, o in operations.items() if m in METHODS}


def function(operation):
    """The logical name of the function that a route leads to."""
    (named,) = symbols(operation["x-amazon-apigateway-integration"]["uri"])
    return re.sub(r"(?<=Function)Alias\w+$", "", named)


def api(deployment):
    return deployment.stack.of_type("AWS::ApiGatewayV2::Api")[0][1]


def stage(deployment):
    return deployment.stack.of_type("AWS::ApiGatewayV2::Stage")[0][1]


@rule("no route ends in a slash")
def slashes(deployment):
    for route in deployment.routes:
        if route.endswith("/"):
            yield f"API Gateway drops {route} without a word"


@rule("an API that would be imported with warnings is refused")
def warnings(deployment):
    if api(deployment).get("FailOnWarnings") is not True:
        yield "FailOnWarnings is not true"


@rule("routes are those of the OpenAPI document")
def routes(deployment):
    documents = function(deployment.routes["GET /openapi.json"])
    extra = {route for route in deployment.routes if route != "$default" and not route.startswith("HEAD ")}
    own = {route for route in extra if function(deployment.routes[route]) == documents and route.startswith("GET ")}
    for route in sorted(extra - own - set(documented(deployment))):
        yield f"{route} is not in the document"
    for route in sorted(set(documented(deployment)) - extra):
        yield f"{route} is in the document alone"


@rule("every other request reaches a function that has no data")
def default_route(deployment):
    if "$default" not in deployment.routes:
        yield "there is no route $default"
    elif function(deployment.routes["$default"]) != function(deployment.routes["GET /openapi.json"]):
        yield f"$default leads to {function(deployment.routes['$default'])}"


@rule("HEAD is there where GET needs no sign-in, and nowhere else")
def head(deployment):
    operations = documented(deployment)
    public = {r for r in deployment.routes if r.startswith("GET ") and not operations.get(r, {}).get("security")}
    wanted = {route.replace("GET ", "HEAD ", 1): function(deployment.routes[route]) for route in public}
    found = {r: function(operation) for r, operation in deployment.routes.items() if r.startswith("HEAD ")}
    for route in sorted(set(wanted) - set(found)):
        yield f"there is no {route}"
    for route in sorted(found):
        if wanted.get(route) != found[route]:
            yield f"{route} leads to {found[route]}, GET to {wanted.get(route)}"


@rule("CORS names its origins in a list, and all else that the template says")
def cors(deployment):
    policy = api(deployment)["Body"].get("x-amazon-apigateway-cors")
    if not isinstance(policy, dict):
        yield f"the policy is {policy!r}"
        return
    if not isinstance(policy.get("allowOrigins"), list) or not policy["allowOrigins"]:
        yield f"allowOrigins is {policy.get('allowOrigins')!r}"
    elif any("*" in origin for origin in policy["allowOrigins"]):
        yield f"allowOrigins has a wildcard: {policy['allowOrigins']}"
    # The translator mistakes a function in AllowOrigins for the whole policy.
    for key in ("allowHeaders", "allowMethods", "exposeHeaders"):
        if not isinstance(policy.get(key), list):
            yield f"{key} is {policy.get(key)!r}"


def body_fields(document, node):
    """The names of a body's fields, through `$ref` and combinations."""
    if "$ref" in node:
        node = document["components"]["schemas"][node["$ref"].rsplit("/", 1)[-1]]
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in node.get(key, [])]
    return set(node.get("properties", {})).union(*(body_fields(document, part) for part in parts))


def dear(deployment):
    """The routes that take a password or send mail: strangers can cause their cost."""
    for route, operation in documented(deployment).items():
        bodies = operation.get("requestBody", {}).get("content", {}).values()
        fields = set().union(*(body_fields(deployment.sources.openapi, body["schema"]) for body in bodies))
        if any("password" in field for field in fields) or "202" in operation["responses"]:
            yield route


@rule("the stage has a throttle")
def throttle(deployment):
    settings = stage(deployment).get("DefaultRouteSettings", {})
    for key, most in (("ThrottlingRateLimit", ACCOUNT_RATE), ("ThrottlingBurstLimit", ACCOUNT_BURST)):
        if not 0 < float(settings.get(key, 0)) < most:
            yield f"{key} is {settings.get(key)}"


@rule("routes that take a password or send mail have a tighter throttle")
def tighter(deployment):
    every = stage(deployment).get("DefaultRouteSettings", {})
    for route in dear(deployment):
        own = stage(deployment).get("RouteSettings", {}).get(route, {})
        for key in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
            if not 0 < float(own.get(key, 0)) < float(every.get(key, 0)):
                yield f"{route}: {key} is {own.get(key)}, {every.get(key)} for any route"


@rule("throttles are for routes that there are")
def throttled_routes(deployment):
    for route in stage(deployment).get("RouteSettings", {}):
        if route not in deployment.routes:
            yield f"there is no {route}"


@rule("each access is a line of JSON with its request's id and without secrets")
def access_log(deployment):
    settings = stage(deployment).get("AccessLogSettings", {})
    groups = {f"<{name}.Arn>" for name, _ in deployment.stack.of_type("AWS::Logs::LogGroup")}
    if settings.get("DestinationArn") not in groups:
        yield f"it goes to {settings.get('DestinationArn')}"
    form = settings.get("Format", "")
    try:  # A missing value is written as a hyphen, so every variable needs quotes.
        json.loads(re.sub(r"\$context\.[a-zA-Z.]+", "-", form))
    except ValueError:
        yield f"its form is no JSON: {form!r}"
    variables = re.findall(r"\$(?:context\.)?([a-zA-Z.]+)", form)
    if "requestId" not in variables:
        yield "it has no $context.requestId"
    for variable in variables:
        if not LOGGED.fullmatch(variable):
            yield f"it has ${variable}"


@rule("with a domain of its own the API answers there alone")
def execute_api(deployment):
    servers = plural(api(deployment)["Body"].get("servers"))
    off = [s.get("x-amazon-apigateway-endpoint-configuration", {}).get("disableExecuteApiEndpoint") for s in servers]
    domain = bool(deployment.stack.of_type("AWS::ApiGatewayV2::DomainName"))
    if bool(off and str(off[0]).lower() == "true") != domain:
        yield f"disableExecuteApiEndpoint is {off}, {'with' if domain else 'without'} a domain"


@rule("each server of the API has a URL")
def servers(deployment):
    for server in plural(api(deployment)["Body"].get("servers")):
        if not server.get("url"):
            yield f"{server} would be a warning of the import"


@rule("the domain speaks TLS 1.2 at least")
def tls(deployment):
    for name, domain in deployment.stack.of_type("AWS::ApiGatewayV2::DomainName"):
        for configuration in domain["DomainNameConfigurations"]:
            if configuration.get("SecurityPolicy") != "TLS_1_2":
                yield f"{name}: {configuration.get('SecurityPolicy')}"
