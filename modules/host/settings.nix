# `services.punktfunk.settings`: the host's configuration file, typed by its own schema.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  format = pkgs.formats.toml { };
  schema = lib.importJSON ./schema.json;

  # A key at its default is not written: what the file does not say stays the owner's to set in the console.
  isSaid = _: value: value != null && value != { };
  said =
    schema: value:
    if schema ? properties then
      lib.filterAttrs isSaid (lib.mapAttrs (name: said (schema.properties.${name} or { })) value)
    else if schema ? default && value == schema.default then
      null
    else
      value;
  settings = said schema cfg.settings;
  unchecked = format.generate "punktfunk.toml" settings;
in
{
  options.services.punktfunk = {
    settings = lib.mkOption {
      type = lib.types.submodule {
        freeformType = format.type;
        options = import ./options-of-schema.nix { inherit lib; } schema;
      };
      default = { };
      example = lib.literalExpression "{ encoder.max_bitrate_kbps = 50000; }";
      description = ''
        The host's configuration file. Every key of it is an option here; a key that this version of the modules does not
        know is passed on, and refused by the host when the system is built.

        It ends in the Nix store, which everybody on the machine can read: no secrets in it.
      '';
    };

    configFile = lib.mkOption {
      type = lib.types.package;
      readOnly = true;
      internal = true;
      description = "The configuration file, checked by the host that will read it.";
    };
  };

  config.services.punktfunk.configFile = pkgs.runCommand "punktfunk.toml" { passthru = { inherit settings; }; } ''
    ${lib.getExe cfg.package} check-config --config ${unchecked}
    cp ${unchecked} $out
  '';
}
