"""Compares answers with an OpenAPI description: types, required members, enumerations, what a list holds."""

import json
import os

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}
DEPTH_MAX = 40


class Description:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.schemas = json.load(file)["components"]["schemas"]

    def faults(self, name, value):
        """What is wrong with `value` as the schema called `name`; a list of sentences, empty when it fits."""
        return self.check({"$ref": "#/components/schemas/" + name}, value, name, 0)

    def check(self, schema, value, place, depth):
        if depth > DEPTH_MAX:
            return ["%s: nested too deeply" % place]
        if "$ref" in schema:
            return self.check(self.schemas[schema["$ref"].rsplit("/", 1)[1]], value, place, depth + 1)
        found = []
        for part in schema.get("allOf", ()):
            found += self.check(part, value, place, depth + 1)
        for word in ("anyOf", "oneOf"):
            options = [self.check(option, value, place, depth + 1) for option in schema.get(word, ())]
            if options and all(options):
                found += min(options, key=len)
        return found + self.check_type(schema, value, place) + self.check_members(schema, value, place, depth)

    def check_type(self, schema, value, place):
        wanted = schema.get("type")
        names = wanted if isinstance(wanted, list) else [wanted] if wanted else []
        is_flag = isinstance(value, bool)
        fits = [name for name in names if isinstance(value, TYPES[name]) and is_flag == (name == "boolean")]
        if names and not fits:
            return ["%s: %r is not %s" % (place, value, " or ".join(names))]
        if "enum" in schema and value not in schema["enum"]:
            return ["%s: %r is none of %s" % (place, value, schema["enum"])]
        return []

    def check_members(self, schema, value, place, depth):
        found = []
        if isinstance(value, dict):
            found += ["%s: lacks '%s'" % (place, name) for name in schema.get("required", ()) if name not in value]
            for name, member in value.items():
                if name in schema.get("properties", {}):
                    found += self.check(schema["properties"][name], member, "%s.%s" % (place, name), depth + 1)
        if isinstance(value, list) and "items" in schema:
            for index, member in enumerate(value):
                found += self.check(schema["items"], member, "%s[%d]" % (place, index), depth + 1)
        return found


# The vendor's description of OpenAI's API, or None: it is not part of this project.
OPENAI = Description(os.environ["OPENAI_OPENAPI"]) if os.environ.get("OPENAI_OPENAPI") else None
