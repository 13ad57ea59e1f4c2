"""Expressions: texts with `{{ … }}` that read values, as Airbyte understands them. May import errors."""
