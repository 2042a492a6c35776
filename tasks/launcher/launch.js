// Finds a Python, starts the task's main.py with it, and says what became of it. The agent itself runs Node only.
//
// One file without dependencies, the same bytes beside every task.json; plain enough for any Node an agent may pick.
// It must never load azure-pipelines-task-lib: that takes the inputs out of the environment.
//
// Python ends with DONE or FAILED once its own completion is written and flushed (python/ropeway/azure/main.py).
// However else it ends, the completion is said here, and it is Failed: no way of dying is green.
'use strict';

const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const tty = require('tty');

// Required by after.js, it is the post-job step's.
const PHASE = require.main === module ? [] : ['after'];
const DONE = 80;
const FAILED = 81;
const OLDEST = [3, 10];
const NEWEST_MINOR = 14;
const WINDOWS = process.platform === 'win32';
const FLAGS = ['-I', '-S', '-u', '-X', 'utf8']; // -I, -S: nothing that is installed on the agent can shadow the bundle
const IN_CONTAINER = Boolean(process.env.AGENT_CONTAINERMAPPING);
const REMEDY = IN_CONTAINER
  ? 'Add Python 3.10 or newer to the image of the container, or run this step outside it (target: host).'
  : 'Install one on the agent, put a UsePythonVersion@0 step before this one, or name one in the input pythonPath.';

// --- saying ----------------------------------------------------------------------------------------------------------

let heard = true;

// Not by process.stdout: that makes the pipe non-blocking, for Python too, whose writes would then fail when the agent is slow.
function say(text) {
  let rest = Buffer.from(text + '\n');
  while (rest.length && heard) {
    try {
      rest = rest.slice(fs.writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') heard = false;
    }
  }
}

// The agent runs commands that it finds anywhere in a line, so a path or an answer must not hold one.
const line = (text) => text.replace(/[\r\n]+/g, ' ').replace(/##(?=vso|\[)/gi, '# #');
const data = (text) => text.replace(/%/g, '%AZP25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');

function fail(message) {
  process.exitCode = 1;
  say('\n##vso[task.logissue type=error]' + data(message)); // a dying Python may have left half a line
  say('##vso[task.complete result=Failed;]' + data(message));
}

// --- finding a Python ------------------------------------------------------------------------------------------------

const candidate = (command, origin, args) => ({ command, origin: origin || command, args: args || [] });
const inFolder = (folder) => (WINDOWS ? path.join(folder, 'python.exe') : path.join(folder, 'bin', 'python'));

function chosen() {
  const given = (process.env.INPUT_PYTHONPATH || '').trim();
  if (!given) return null;
  return candidate(/[\\/]/.test(given) ? path.resolve(given) : given, 'the input pythonPath (' + given + ')');
}

function found() {
  const location = process.env.PYTHONLOCATION;
  const minors = [];
  for (let minor = NEWEST_MINOR; minor >= OLDEST[1]; minor--) minors.push(candidate('python3.' + minor));
  return [].concat(
    location ? candidate(inFolder(location), 'UsePythonVersion (' + location + ')') : [],
    toolCache(process.env.AGENT_TOOLSDIRECTORY || ''),
    minors, candidate('python3'), candidate('python'),
    WINDOWS ? candidate('py', 'py -3', ['-3']) : []);
}

// <tools>/Python/<x.y.z>/<arch>, whole once <arch>.complete lies beside it; releases only, highest first.
function toolCache(tools) {
  const root = path.join(tools, 'Python');
  const arch = process.arch === 'ia32' ? 'x86' : process.arch;
  return (tools ? listed(root) : [])
    .filter((name) => /^\d+\.\d+\.\d+$/.test(name) && fs.existsSync(path.join(root, name, arch + '.complete')))
    .sort((a, b) => newer(numbers(b), numbers(a)))
    .map((name) => candidate(inFolder(path.join(root, name, arch)), 'the tool cache (' + name + ')'));
}

// A tool cache that is not there, or is another user's, is none: the path may still have a Python.
function listed(folder) {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (error.code !== 'ENOENT') say('##vso[task.debug]' + data(line('The tool cache cannot be listed: ' + error.message)));
    return [];
  }
}

const numbers = (version) => version.split('.').map(Number);
const newer = (a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] || 0) - (b[2] || 0);

// Existence proves nothing (a Microsoft Store alias exists), so each is run. It runs in this folder, because Windows looks for a
// program in the current folder first, and that holds the user's sources; and it is shown none of the secrets.
const QUESTION = 'import sys; sys.stdout.write("ropeway %d.%d.%d %s" % (tuple(sys.version_info[:3]) + (sys.executable,)))';

function ask(one) {
  const answer = spawnSync(one.command, one.args.concat(['-S', '-c', QUESTION]), {
    cwd: __dirname, env: harmless(), encoding: 'utf8', timeout: 20000, killSignal: 'SIGKILL', windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = /^ropeway (\d+\.\d+\.\d+) (.*)$/m.exec(answer.stdout || '');
  if (!said) return Object.assign({ refused: whyNot(answer) }, one);
  const old = newer(numbers(said[1]), OLDEST) < 0;
  return Object.assign({ version: said[1], executable: said[2], refused: old ? 'is older: ' + said[1] : '' }, one);
}

function harmless() {
  const kept = Object.keys(process.env).filter((name) => !/^(INPUT|ENDPOINT|SECRET|SECUREFILE|VSTS|PYTHON)/i.test(name));
  return kept.reduce((env, name) => Object.assign(env, { [name]: process.env[name] }), { PYTHONIOENCODING: 'utf-8' });
}

function whyNot(answer) {
  if (answer.error && answer.error.code === 'ENOENT') return 'not found';
  if (answer.error && answer.error.code === 'ETIMEDOUT') return 'did not answer within 20 seconds';
  if (answer.error) return 'cannot be run (' + (answer.error.code || answer.error.message) + ')';
  if (answer.status === 9009) return "is the Microsoft Store's placeholder, not a Python";
  const last = (answer.stderr || '').trim().split('\n').pop().slice(0, 200);
  return 'is not a working Python (' + (answer.signal || 'exit code ' + answer.status) + (last ? ': ' + last : '') + ')';
}

function findPython() {
  const explicit = chosen();
  const refused = [];
  for (const one of explicit ? [explicit] : found()) {
    const asked = ask(one);
    if (!asked.refused) return asked;
    refused.push(asked);
  }
  explicit ? failChosen(refused[0]) : failFound(refused);
  return null;
}

function failChosen(one) {
  const macro = /\$\([^)]*\)/.exec(one.origin);
  const why = macro ? macro[0] + ' is a variable that is not defined' : one.refused;
  fail('Ropeway needs Python 3.10 or newer, and ' + one.origin + ' does not name one: ' + why + '. ' +
    'Name the file of a Python, or leave the input empty to have one looked for.');
}

function failFound(refused) {
  say('##[group]Where a Python was looked for');
  refused.forEach((one) => say(line(one.origin + ': ' + one.refused)));
  say('##[endgroup]');
  const old = refused.filter((one) => one.version).map((one) => one.version + ' (' + one.executable + ')');
  const different = old.filter((text, at) => old.indexOf(text) === at);
  if (different.length) {
    fail('Ropeway needs Python 3.10 or newer; what is here is older: ' + different.join(', ') + '. ' + REMEDY);
  } else if (IN_CONTAINER) {
    fail('This job runs in a container, and its image has no Python; the agent brings Node along, but no Python. ' + REMEDY);
  } else {
    fail('Ropeway needs Python 3.10 or newer, and there is none on this agent. ' + REMEDY);
  }
}

// --- running it ------------------------------------------------------------------------------------------------------

function run(python) {
  say('##vso[task.debug]Python ' + python.version + ' by ' + data(python.origin) + ': ' + data(python.executable));
  // Python's stdin is a pipe that only this process holds: should it be killed, Python reads the end of it and stops.
  const child = spawn(python.executable, FLAGS.concat(path.join(__dirname, 'main.py'), PHASE), {
    stdio: ['pipe', 'inherit', 'inherit'],
    // The first tells Python that the end of its stdin means us; the second is for what only Node has (Brotli).
    env: Object.assign({}, process.env, { ROPEWAY_STDIN: 'held', ROPEWAY_NODE: process.execPath }),
  });
  child.on('error', (error) => fail('Could not start ' + python.executable + ': ' + error.message + '. ' + REMEDY));
  child.on('exit', ended);
  // The agent signals this process alone. On Windows a console event reaches Python by itself, and kill() would end it uncleaned.
  const pass = WINDOWS ? () => {} : (signal) => child.kill(signal);
  ['SIGINT', 'SIGTERM'].concat(WINDOWS ? 'SIGBREAK' : []).forEach((signal) => process.on(signal, pass));
}

function ended(code, signal) {
  if (code === DONE && heard && !unread()) return;
  process.exitCode = 1;
  if (code === FAILED || code === DONE) return;
  const how = signal ? 'was killed by ' + signal : 'ended with exit code ' + code;
  const hint = signal === 'SIGKILL' ? 'The system does that when memory runs out: look at the memory of the agent. ' : '';
  fail('The Python of this task ' + how + ' before the task had reported its result. ' + hint +
    'What it said last stands above; run again with the variable System.Debug set to true to see more.');
}

// Node puts /dev/null in the place of a closed stdout: whatever was reported then has gone nowhere.
function unread() {
  return !WINDOWS && fs.fstatSync(1).isCharacterDevice() && !tty.isatty(1);
}

const python = findPython();
if (python) run(python);
