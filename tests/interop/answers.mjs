// What a script says to the test that started it, a line each. node-opcua prints its own warnings with
// console.log, one of them whenever a key in another thread is ready: those go to the error stream, so
// that none falls between two answers. Import this first.
console.log = console.error;

export function answer(line) {
  process.stdout.write(`${line}\n`);
}
