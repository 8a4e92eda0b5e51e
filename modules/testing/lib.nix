# A stand-in for the part of nixpkgs' `lib` that the modules use, for where nixpkgs cannot be had. It behaves as the real
# one does, messages included; whatever it lacks fails loudly as a missing attribute. builtins are what this is made of.
with builtins;
let
  isType = type: value: isAttrs value && value._type or null == type;
  isPackage = value: isAttrs value && value.type or null == "derivation";
  show = value: if isPackage value then "<derivation ${value.name}>" else toJSON value;
  said = def: "\n- In `${def.file}': ${show def.value}";
  complain =
    what: loc: why: defs:
    throw "${what} `${concatStringsSep "." loc}'${why}${concatStringsSep "" (map said defs)}";
  # Replaces what definitions say, not where they stand.
  saying = def: value: def // { inherit value; };
  asModule = def: { _file = def.file; } // { config = def.value; };
  byName = defs: zipAttrsWith (_: found: found) (map (def: mapAttrs (_: saying def) def.value) defs);

  # Types. `class` decides about brackets in descriptions.
  type =
    class: description: attrs:
    {
      _type = "option-type";
      check = _: true;
      merge = mergeEqual;
      getSubOptions = _: { };
      inherit class description;
    }
    // attrs;
  checking = description: check: type "noun" description { inherit check; };
  phrase = classes: t: if elem t.class classes then t.description else "(${t.description})";
  mergeEqual =
    loc: defs:
    if all (def: def.value == (head defs).value) defs then
      (head defs).value
    else
      complain "The option" loc " has conflicting definition values:" defs;

  types = rec {
    anything = type "noun" "anything" {
      merge =
        loc: defs:
        if all (def: isAttrs def.value && !isPackage def.value) defs then
          mapAttrs (name: define anything (loc ++ [ name ])) (byName defs)
        else
          mergeEqual loc defs;
    };
    bool = checking "boolean" isBool;
    str = checking "string" isString;
    package = checking "package" isPackage;
    path = checking "absolute path" (p: isPath p || isPackage p || (isString p && lib.hasPrefix "/" p));
    ints.between =
      low: high:
      checking "integer between ${toString low} and ${toString high} (both inclusive)" (n: isInt n && low <= n && n <= high);
    enum =
      values:
      (
        if length values == 1 then
          type "noun" "value ${show (head values)} (singular enum)"
        else
          type "conjunction" "one of ${lib.concatMapStringsSep ", " show values}"
      )
        { check = value: elem value values; };
    nullOr =
      t:
      type "conjunction" "null or ${phrase [ "noun" "conjunction" ] t}" {
        inherit (t) getSubOptions;
        check = value: value == null || t.check value;
        merge = loc: defs: if all (def: def.value == null) defs then null else checked t loc defs;
      };
    listOf =
      t:
      type "composite" "list of ${phrase [ "noun" "composite" ] t}" {
        check = isList;
        getSubOptions = prefix: t.getSubOptions (prefix ++ [ "*" ]);
        merge = loc: concatMap (def: map (value: define t (loc ++ [ "*" ]) [ (saying def value) ]) def.value);
      };
    attrsOf =
      t:
      type "composite" "attribute set of ${phrase [ "noun" "composite" ] t}" {
        check = isAttrs;
        getSubOptions = prefix: t.getSubOptions (prefix ++ [ "<name>" ]);
        merge =
          loc: defs:
          mapAttrs (name: define t (loc ++ [ name ])) (
            lib.filterAttrs (_: found: concatMap discharge found != [ ]) (byName defs)
          );
      };
    submodule =
      module:
      type "noun" "submodule" {
        check = value: isAttrs value || isFunction value || isPath value;
        getSubOptions = prefix: (evalIn prefix { name = "<name>"; } [ module ]).options;
        merge = loc: defs: (evalIn loc { name = elemAt loc (length loc - 1); } ([ module ] ++ map asModule defs)).config;
      };
  };

  # A property (mkIf, mkMerge, mkOverride) around names is pushed down to them without being looked at, because its
  # condition may depend on what is being defined.
  pushDown =
    value:
    if isType "merge" value then
      concatMap pushDown value.contents
    else if isType "if" value || isType "override" value then
      map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content)
    else
      [ value ];
  discharge =
    def:
    if isType "merge" def.value then
      concatMap (value: discharge (saying def value)) def.value.contents
    else if isType "if" def.value then
      if def.value.condition then discharge (saying def def.value.content) else [ ]
    else if isType "override" def.value then
      map (inner: { inherit (def.value) priority; } // inner) (discharge (saying def def.value.content))
    else
      [ def ];
  checked =
    t: loc: defs:
    if all (def: t.check def.value) defs then
      t.merge loc defs
    else
      complain "A definition for option" loc " is not of type `${t.description}'. Definition values:" (
        filter (def: !t.check def.value) defs
      );
  define =
    t: loc: defs:
    let
      found = concatMap discharge defs;
      priority = def: def.priority or 100;
      strongest = head (sort lessThan (map priority found));
    in
    if found == [ ] then
      complain "The option" loc " was accessed but has no value defined. Try setting the option." [ ]
    else
      checked t loc (map (def: removeAttrs def [ "priority" ]) (filter (def: priority def == strongest) found));

  evalModules = given: evalIn (given.prefix or [ ]) (given.specialArgs or { }) given.modules;
  evalIn =
    prefix: specialArgs: modules:
    let
      args = specialArgs // { inherit lib options; } // { config = merged; };
      call = f: if isFunction f then f (args // mapAttrs (name: _: args.${name}) (functionArgs f)) else f;
      load =
        parent: index:
        let
          module = elemAt parent.imports index;
          isFile = isPath module || isString module;
          file = if isFile then toString module else parent.file;
          body = call (if isFile then import module else module);
          plain = removeAttrs body (lib.splitString " " "_file freeformType imports");
        in
        if isType "merge" body || isType "if" body then
          throw ''Expected a module, but found a value of type "${body._type}".''
        else
          {
            key = if file == parent.file then "${parent.key}:anonymous-${toString index}" else file;
            file = body._file or file;
            imports = body.imports or [ ];
            options = body.options or { };
            config = if body ? config || body ? options then body.config or { } else plain;
            freeformTypes = lib.optional (body ? freeformType) body.freeformType;
          };
      operator = parent: genList (load parent) (length parent.imports);
      root = key: file: imports: { inherit key file imports; };
      # In this order the real library merges lists.
      loaded = foldl' (reversed: module: [ module ] ++ reversed) [ ] (genericClosure {
        inherit operator;
        startSet = operator (root "" "<unknown-file>" modules);
      });

      declare = zipAttrsWith (_: found: if any (isType "option") found then head found else declare found);
      options = declare (map (module: module.options) loaded);

      # What `defs` give the options of `tree`, and the definitions that no option takes.
      evaluate =
        loc: tree: defs:
        let
          here = byName (concatMap (def: map (saying def) (pushDown def.value)) defs);
          nested = mapAttrs (name: inner: evaluate (loc ++ [ name ]) inner (here.${name} or [ ])) (
            lib.filterAttrs (_: inner: !isType "option" inner) tree
          );
          standing = option: saying { file = "the default"; } (lib.mkOverride 1500 option.default);
          found = name: option: here.${name} or [ ] ++ lib.optional (option ? default) (standing option);
          valueOf = name: option: define option.type (prefix ++ loc ++ [ name ]) (found name option);
          stray = name: { loc = loc ++ [ name ]; } // { defs = here.${name}; };
        in
        {
          values = mapAttrs (name: option: nested.${name}.values or (valueOf name option)) tree;
          strays =
            concatMap (inner: inner.strays) (attrValues nested) ++ map stray (filter (name: !tree ? ${name}) (attrNames here));
        };
      evaluated = evaluate [ ] options (map (module: saying { inherit (module) file; } module.config) loaded);

      freeformTypes = concatMap (module: module.freeformTypes) loaded;
      nest = loc: value: if loc == [ ] then value else { ${head loc} = nest (tail loc) value; };
      strays = concatMap (stray: map (def: saying def (nest stray.loc def.value)) stray.defs) evaluated.strays;
      free = define (head freeformTypes) prefix ([ (saying { file = "nothing"; } { }) ] ++ strays);
      # What modules see; only who asks for the result learns of strays.
      merged = if freeformTypes == [ ] then evaluated.values else lib.recursiveUpdate free evaluated.values;
    in
    {
      inherit options;
      config =
        if evaluated.strays == [ ] || freeformTypes != [ ] then
          merged
        else
          complain "The option" (
            prefix ++ (head evaluated.strays).loc
          ) " does not exist. Definition values:" (head evaluated.strays).defs;
    };
  named = names: listToAttrs (map (name: { inherit name; } // { value = null; }) (filter isString names));
  property = _type: attrs: attrs // { inherit _type; };
  # What nixpkgs' lib takes from the builtins.
  taken = "any attrNames attrValues concatMap concatStringsSep elem filter foldl' genList head isAttrs isList length";
  lib = intersectAttrs (named (split " " "${taken} listToAttrs mapAttrs")) builtins // {
    inherit evalModules types;
    mkOption = property "option";
    mkIf = condition: content: property "if" { inherit condition content; };
    mkMerge = contents: property "merge" { inherit contents; };
    mkOverride = priority: content: property "override" { inherit priority content; };
    mkDefault = lib.mkOverride 1000;
    mkForce = lib.mkOverride 50;
    literalExpression = text: property "literalExpression" { inherit text; };
    importJSON = file: fromJSON (readFile file);
    optional = condition: value: if condition then [ value ] else [ ];
    optionalAttrs = condition: attrs: if condition then attrs else { };
    optionalString = condition: text: if condition then text else "";
    nameValuePair = name: value: { inherit name value; };
    mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);
    filterAttrs = keep: attrs: removeAttrs attrs (filter (name: !keep name attrs.${name}) (attrNames attrs));
    filterAttrsRecursive =
      keep: attrs:
      mapAttrs (_: value: if isAttrs value then lib.filterAttrsRecursive keep value else value) (lib.filterAttrs keep attrs);
    genAttrs = names: f: mapAttrs (name: _: f name) (named names);
    recursiveUpdate =
      old: new:
      old // mapAttrs (k: v: if isAttrs v && isAttrs (old.${k} or 0) then lib.recursiveUpdate old.${k} v else v) new;
    concatMapStringsSep =
      separator: f: list:
      concatStringsSep separator (map f list);
    splitString = separator: text: filter isString (split (replaceStrings [ "." ] [ "\\." ] separator) text);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    getExe = package: "${package}/bin/${package.meta.mainProgram}";
  };
in
lib
