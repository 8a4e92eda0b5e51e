# A stand-in for the part of nixpkgs' `lib` that the modules use, so that they can be evaluated where nixpkgs cannot be
# had. It behaves as the real one does, messages included; whatever it lacks fails loudly as a missing attribute.
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    functionArgs
    genericClosure
    head
    isAttrs
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    map
    mapAttrs
    replaceStrings
    stringLength
    substring
    tail
    toJSON
    zipAttrsWith
    ;

  isType = type: value: isAttrs value && value._type or null == type;
  isDerivation = value: isAttrs value && value.type or null == "derivation";
  showOption = concatStringsSep ".";
  show =
    value:
    if isFunction value then
      "<function>"
    else if isDerivation value then
      "<derivation ${value.name}>"
    else
      toJSON value;
  showDefs = map (def: "\n- In `${def.file}': ${show def.value}");
  complaint =
    text: loc: more: defs:
    throw "${text} `${showOption loc}'${more}${concatStringsSep "" (showDefs defs)}";

  # Types. `class` is what decides about brackets in descriptions.
  mkType =
    attrs:
    {
      _type = "option-type";
      check = _: true;
      merge = mergeEqual;
      class = "noun";
      getSubOptions = _: { };
    }
    // attrs;
  phrase =
    classes: type: if elem type.class classes then type.description else "(${type.description})";
  mergeEqual =
    loc: defs:
    if length defs == 1 || filter (def: def.value != (head defs).value) defs == [ ] then
      (head defs).value
    else
      complaint "The option" loc " has conflicting definition values:" defs;
  mergeOne =
    loc: defs:
    if length defs == 1 then
      (head defs).value
    else
      complaint "The option" loc " is defined multiple times while it's expected to be unique." defs;
  checked =
    type: loc: defs:
    let
      wrong = filter (def: !(type.check def.value)) defs;
    in
    if wrong == [ ] then
      type.merge loc defs
    else
      complaint "A definition for option" loc " is not of type `${type.description}'. Definition values:"
        wrong;
  perName =
    merge: loc: defs:
    zipAttrsWith (name: merge (loc ++ [ name ])) (
      map (
        def:
        mapAttrs (_: value: {
          inherit (def) file;
          inherit value;
        }) def.value
      ) defs
    );
  between =
    low: high:
    mkType {
      description = "integer between ${toString low} and ${toString high} (both inclusive)";
      check = value: isInt value && value >= low && value <= high;
    };
  simple = description: check: mkType { inherit description check; };

  types = rec {
    raw = mkType {
      description = "raw value";
      merge = mergeOne;
    };
    anything = mkType {
      description = "anything";
      merge =
        loc: defs:
        if filter (def: !isAttrs def.value || isDerivation def.value) defs == [ ] then
          perName (define anything) loc defs
        else
          mergeEqual loc defs;
    };
    bool = simple "boolean" builtins.isBool;
    str = simple "string" isString;
    path = simple "absolute path" (
      p: isPath p || isDerivation p || (isString p && substring 0 1 p == "/")
    );
    package = simple "package" isDerivation // {
      merge = mergeOne;
    };
    ints = {
      inherit between;
      unsigned = simple "unsigned integer, meaning >=0" (n: isInt n && n >= 0) // {
        class = "nonRestrictiveClause";
      };
    };
    enum =
      values:
      simple (
        if length values == 1 then
          "value ${show (head values)} (singular enum)"
        else
          "one of ${concatStringsSep ", " (map show values)}"
      ) (value: elem value values)
      // {
        class = if length values < 2 then "noun" else "conjunction";
      };
    nullOr =
      type:
      mkType {
        description = "null or ${phrase [ "noun" "conjunction" ] type}";
        class = "conjunction";
        inherit (type) getSubOptions;
        check = value: value == null || type.check value;
        merge =
          loc: defs:
          if filter (def: def.value != null) defs == [ ] then
            null
          else if filter (def: def.value == null) defs == [ ] then
            type.merge loc defs
          else
            complaint "The option" loc " is defined both null and not null, in" defs;
      };
    listOf =
      type:
      mkType {
        description = "list of ${phrase [ "noun" "composite" ] type}";
        class = "composite";
        check = isList;
        getSubOptions = prefix: type.getSubOptions (prefix ++ [ "*" ]);
        merge =
          loc: defs:
          concatMap (
            def: map (value: define type (loc ++ [ "*" ]) [ (def // { inherit value; }) ]) def.value
          ) defs;
      };
    attrsOf =
      type:
      mkType {
        description = "attribute set of ${phrase [ "noun" "composite" ] type}";
        class = "composite";
        check = isAttrs;
        getSubOptions = prefix: type.getSubOptions (prefix ++ [ "<name>" ]);
        merge =
          loc: defs:
          mapAttrs (_: found: found.value) (
            lib.filterAttrs (_: found: found.defs != [ ]) (
              perName (loc: defs: {
                defs = concatMap discharge defs;
                value = define type loc defs;
              }) loc (concatMap discharge defs)
            )
          );
      };
    submodule =
      module:
      mkType {
        # With a type for what is not declared, the real library says more.
        description =
          if isAttrs module && module ? freeformType then
            "open submodule of ${phrase [ "noun" "composite" ] module.freeformType}"
          else
            "submodule";
        check = value: isAttrs value || isFunction value || isPath value;
        getSubOptions =
          prefix:
          (evalModules {
            inherit prefix;
            specialArgs.name = "<name>";
            modules = [ module ];
          }).options;
        merge =
          loc: defs:
          (evalModules {
            prefix = loc;
            specialArgs.name = elemAt loc (length loc - 1);
            modules = [
              module
            ]
            ++ map (def: {
              _file = def.file;
              config = def.value;
            }) defs;
          }).config;
      };
  };

  # Definitions. A property (mkIf, mkMerge, mkOverride) at the root of a module's config is pushed down to its names
  # without being looked at, since conditions may depend on what is being defined.
  pushDown =
    value:
    if isType "merge" value then
      concatMap pushDown value.contents
    else if isType "if" value then
      map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content)
    else if isType "override" value then
      map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content)
    else
      [ value ];
  discharge =
    def:
    if isType "merge" def.value then
      concatMap (value: discharge (def // { inherit value; })) def.value.contents
    else if isType "if" def.value then
      if def.value.condition then discharge (def // { value = def.value.content; }) else [ ]
    else if isType "override" def.value then
      map (inner: inner // { inherit (def.value) priority; }) (
        discharge (def // { value = def.value.content; })
      )
    else
      [ def ];
  define =
    type: loc: defs:
    let
      all = concatMap discharge defs;
      priority = def: def.priority or 100;
      strongest = foldl' (best: def: if priority def < best then priority def else best) 9999 all;
    in
    if all == [ ] then
      throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option."
    else
      checked type loc (
        map (def: removeAttrs def [ "priority" ]) (filter (def: priority def == strongest) all)
      );

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      args = specialArgs // {
        inherit lib options;
        config = merged;
      };
      call =
        module:
        if isFunction module then
          module (args // mapAttrs (name: _: args.${name}) (functionArgs module))
        else
          module;
      load =
        parent: index:
        let
          module = elemAt parent.imports index;
          isFile = isPath module || isString module;
          file = if isFile then toString module else parent.file;
          body = call (if isFile then import module else module);
          isPlain = !(body ? config || body ? options);
        in
        {
          key = if isFile then file else "${parent.key}:anonymous-${toString index}";
          file = body._file or file;
          imports = body.imports or [ ];
          options = body.options or { };
          config =
            if isPlain then
              removeAttrs body [
                "_file"
                "freeformType"
                "imports"
              ]
            else
              body.config or { };
          freeformType = body.freeformType or null;
        };
      operator = parent: builtins.genList (load parent) (length parent.imports);
      # In this order the real library merges lists.
      all = lib.reverseList (genericClosure {
        inherit operator;
        startSet = operator {
          key = "";
          file = "<unknown-file>";
          imports = modules;
        };
      });

      declare = zipAttrsWith (
        name: found:
        if filter (isType "option") found == [ ] then
          declare found
        else if length found == 1 then
          head found
        else
          throw "The option `${name}' is declared multiple times."
      );
      options = declare (map (module: module.options) all);

      # The options of `tree` with what `defs` give them, and the definitions that no option takes.
      evaluate =
        loc: tree: defs:
        let
          plain = concatMap (def: map (value: def // { inherit value; }) (pushDown def.value)) defs;
          byName = zipAttrsWith (_: found: found) (
            map (
              def:
              mapAttrs (_: value: {
                inherit (def) file;
                inherit value;
              }) def.value
            ) plain
          );
          nested = mapAttrs (name: inner: evaluate (loc ++ [ name ]) inner (byName.${name} or [ ])) (
            lib.filterAttrs (_: inner: !isType "option" inner) tree
          );
          value =
            name: option:
            define option.type (prefix ++ loc ++ [ name ]) (
              byName.${name} or [ ]
              ++ lib.optional (option ? default) {
                file = "the default";
                value = mkOverride 1500 option.default;
              }
            );
        in
        {
          values = mapAttrs (
            name: option: nested.${name}.values or ((option.apply or (v: v)) (value name option))
          ) tree;
          unmatched =
            concatMap (inner: inner.unmatched) (attrValues nested)
            ++ map (name: {
              loc = loc ++ [ name ];
              defs = byName.${name};
            }) (filter (name: !(tree ? ${name})) (attrNames byName));
        };
      evaluated = evaluate [ ] options (
        map (module: {
          inherit (module) file;
          value = module.config;
        }) all
      );
      freeformTypes = filter (type: type != null) (map (module: module.freeformType) all);
      nest = loc: value: if loc == [ ] then value else { ${head loc} = nest (tail loc) value; };
      free = define (head freeformTypes) prefix (
        [
          {
            file = "nothing";
            value = { };
          }
        ]
        ++ concatMap (
          one: map (def: def // { value = nest one.loc def.value; }) one.defs
        ) evaluated.unmatched
      );
      # Modules see this; only who asks for the result learns of definitions that no option takes.
      merged =
        if freeformTypes == [ ] then evaluated.values else lib.recursiveUpdate free evaluated.values;
      stray = head evaluated.unmatched;
      result =
        if evaluated.unmatched == [ ] || freeformTypes != [ ] then
          merged
        else
          complaint "The option" (prefix ++ stray.loc) " does not exist. Definition values:" stray.defs;
    in
    {
      inherit options;
      config = result;
    };

  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  lib = {
    inherit
      attrNames
      attrValues
      concatMap
      concatStringsSep
      elem
      evalModules
      filter
      head
      isAttrs
      isList
      length
      mapAttrs
      mkOverride
      types
      ;
    inherit (builtins) all any listToAttrs;
    mkOption = attrs: { _type = "option"; } // attrs;
    mkEnableOption =
      what:
      lib.mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether to enable ${what}.";
      };
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    importJSON = file: builtins.fromJSON (builtins.readFile file);
    literalExpression = text: {
      _type = "literalExpression";
      inherit text;
    };
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: attrs: if condition then attrs else { };
    optionalString = condition: text: if condition then text else "";
    nameValuePair = name: value: { inherit name value; };
    mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);
    filterAttrs =
      keep: attrs: removeAttrs attrs (filter (name: !keep name attrs.${name}) (attrNames attrs));
    filterAttrsRecursive =
      keep: attrs:
      mapAttrs (_: value: if isAttrs value then lib.filterAttrsRecursive keep value else value) (
        lib.filterAttrs keep attrs
      );
    genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);
    reverseList = list: foldl' (reversed: item: [ item ] ++ reversed) [ ] list;
    recursiveUpdate =
      old: new:
      old
      // mapAttrs (
        name: value:
        if isAttrs value && isAttrs (old.${name} or null) then
          lib.recursiveUpdate old.${name} value
        else
          value
      ) new;
    concatMapStringsSep =
      separator: f: list:
      concatStringsSep separator (map f list);
    concatLists = concatMap (list: list);
    concatStrings = concatStringsSep "";
    splitString = separator: text: filter isString (builtins.split (lib.escapeRegex separator) text);
    escapeRegex = replaceStrings [ "." ] [ "\\." ];
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasInfix = infix: text: length (lib.splitString infix text) > 1;
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.name}";
  };
in
lib
