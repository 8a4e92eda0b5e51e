import { store } from "./store";

/** The request that waits for the password; the dialog is open while there is one. */
export const passwordQuestion = store<{ answer: (proven: boolean) => void } | null>(null);

let asked: Promise<boolean> | null = null;

/** Asks for the password in the one dialog; several requests at once share it. Whether it was proven. */
export function provePassword(): Promise<boolean> {
  asked ??= new Promise<boolean>((resolve) => {
    const answer = (proven: boolean) => {
      asked = null;
      passwordQuestion.write(null);
      resolve(proven);
    };
    passwordQuestion.write({ answer });
  });
  return asked;
}
