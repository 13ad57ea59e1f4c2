"""Cdk: reads streams with airbyte-cdk, in an environment of its own.

May import spec, airbyte, config, files, expressions and errors.
"""
