// Answers questions about azure-pipelines-task-lib: a line of JSON each, answered by one that begins with > (tests/azure/task_lib.py).
'use strict';

const { PassThrough } = require('stream');
const readline = require('readline');

const internal = require('azure-pipelines-task-lib/internal');
internal._setStdStream(new PassThrough().resume()); // it talks, and stdout is for answers
const { TaskCommand } = require('azure-pipelines-task-lib/taskcommand');
const task = require('azure-pipelines-task-lib/task');

function call([name, ...rest]) {
  try {
    const answer = task[name](...rest);
    return answer === undefined ? null : answer;
  } catch (error) {
    return { error: error.message };
  }
}

function answer(question) {
  if (question.name) return new TaskCommand(question.name, question.properties, question.message).toString();
  Object.keys(process.env).forEach((name) => delete process.env[name]);
  Object.assign(process.env, question.environment);
  internal._loadData();
  return question.questions.map(call);
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  process.stdout.write('> ' + JSON.stringify(answer(JSON.parse(line))) + '\n');
});
