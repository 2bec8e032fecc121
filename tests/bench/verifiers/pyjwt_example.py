import jwt


def verifier(issuer, audience):
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json", lifespan=300)
    rules = {"issuer": issuer, "audience": audience, "options": {"require": ["exp", "iss", "aud", "sub"]}}

    def claims(token):
        key = keys.get_signing_key_from_jwt(token)
        verified = jwt.decode_complete(token, key, ["ES256", "RS256", "EdDSA"], **rules)
        if verified["header"].get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return verified["payload"]

    return claims
