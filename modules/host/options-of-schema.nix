# Makes NixOS options of a JSON Schema, as `punktfunk-host config-schema` prints it: types, defaults and descriptions
# are the host's own.
{ lib }:
let
  inherit (lib) types;

  # A value that may be left out is `type: [T, "null"]` there and `nullOr T` here.
  isOptional = schema: lib.isList (schema.type or null) && lib.elem "null" schema.type;
  kind =
    schema: if isOptional schema then lib.head (lib.filter (name: name != "null") schema.type) else schema.type or "choice";

  choices = schema: map (choice: choice.const) schema.oneOf;
  integer = schema: types.ints.between (schema.minimum or 0) (schema.maximum or 4294967295);

  plainType =
    schema:
    {
      choice = types.enum (choices schema);
      boolean = types.bool;
      string = types.str;
      integer = integer schema;
      array = types.listOf (typeOf schema.items);
      object =
        if schema ? properties then
          types.submodule { options = optionsOf schema; }
        else
          types.attrsOf (typeOf schema.additionalProperties);
    }
    .${kind schema};
  typeOf = schema: if isOptional schema then types.nullOr (plainType schema) else plainType schema;

  describeChoice = choice: "\n\n- `\"${choice.const}\"`: ${choice.description or ""}";
  description = schema: (schema.description or "") + lib.concatMapStringsSep "" describeChoice (schema.oneOf or [ ]);

  optionOf =
    schema:
    lib.mkOption (
      {
        type = typeOf schema;
        description = description schema;
      }
      // lib.optionalAttrs (isOptional schema) { default = null; }
      // lib.optionalAttrs (schema ? default) { inherit (schema) default; }
    );

  # A table of fixed keys becomes a set of options, so that each key is documented and merged by itself.
  optionsOf =
    schema:
    lib.mapAttrs (_: property: if property ? properties then optionsOf property else optionOf property) schema.properties;
in
optionsOf
