import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/api/generated", "e2e/screenshots"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  { plugins: { "react-hooks": hooks }, rules: hooks.configs.recommended.rules },
  {
    rules: {
      "no-restricted-globals": ["error", "eval"],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "No markup from strings." },
      ],
      eqeqeq: "error",
    },
  },
  { files: ["scripts/**"], languageOptions: { globals: { URL: "readonly", process: "readonly", console: "readonly", Buffer: "readonly" } } },
);
