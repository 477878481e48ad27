"""Authlib's resource protector for Flask with its validator for RFC 9068, as its documentation has them."""

import json
import os
from urllib.request import urlopen

from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask


class Validator(JWTBearerTokenValidator):
    keys = None

    def get_jwks(self):
        if Validator.keys is None:
            with urlopen(os.environ["JWKS_URI"]) as answer:
                Validator.keys = json.load(answer)
        return Validator.keys


require_oauth = ResourceProtector()
require_oauth.register_token_validator(
    Validator(issuer=os.environ["ISSUER_URI"], resource_server=os.environ["AUDIENCE"])
)
app = Flask(__name__)


@app.get("/me")
@require_oauth()
def me():
    return {"hello": current_token["sub"]}


app.run(port=int(os.environ["PORT"]))
