/** What bare `node:http` does with the same body: read it, parse it, answer a constant. No framework can be faster. */
import http from 'node:http';

const answer = Buffer.from(
  '{"idAtencion":1234,"inferences":{"Arresto_Cardiaco":0.014755643904209137,"Bajo_Gasto_Cardiaco":0.9625252485275269,"Sano":0.007024538703262806,"Shock_Cardiogenico":0.015694528818130493},"State":"Bajo_Gasto_Cardiaco"}',
);
const headers = { 'content-type': 'application/json', 'content-length': answer.length };

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    if (parts.length > 0) JSON.parse(Buffer.concat(parts).toString());
    response.writeHead(200, headers);
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', 1024, () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
