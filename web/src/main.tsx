import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/parts.css";
import { consoleApp } from "./app/App";
import { startTheme } from "./app/theme";
import { speak, startLanguage } from "./i18n/language";

startTheme();
await speak(startLanguage());
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode>{consoleApp().element}</StrictMode>);
