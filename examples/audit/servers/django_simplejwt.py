"""Simple JWT with Django REST framework, with the settings that its documentation names for the keys of another issuer."""

import os

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
        ],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    },
    SIMPLE_JWT={
        "ALGORITHM": "RS256",
        "JWK_URL": os.environ["JWKS_URI"],
        "AUDIENCE": os.environ["AUDIENCE"],
        "ISSUER": os.environ["ISSUER_URI"],
        "USER_ID_CLAIM": "sub",
    },
)


django.setup()

# They read the settings.
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402


@api_view(["GET"])
def me(request):
    return Response({"hello": request.user.id})


urlpatterns = [path("me", me)]

execute_from_command_line(["manage.py", "runserver", "--noreload", f"127.0.0.1:{os.environ['PORT']}"])
