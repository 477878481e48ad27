"""PyJWT with FastAPI: PyJWKClient and decode as PyJWT's documentation has them, the dependency as FastAPI's has it."""

import os
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

app = FastAPI()
keys = jwt.PyJWKClient(os.environ["JWKS_URI"])
bearer = HTTPBearer()


def user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]):
    try:
        return jwt.decode(
            credentials.credentials,
            keys.get_signing_key_from_jwt(credentials.credentials),
            algorithms=["RS256"],
            audience=os.environ["AUDIENCE"],
            issuer=os.environ["ISSUER_URI"],
        )
    except jwt.PyJWTError:
        raise HTTPException(401, "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"})


@app.get("/me")
def me(claims: Annotated[dict, Depends(user)]):
    return {"hello": claims["sub"]}


uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
