/** The page that shows the document: what Swagger UI is given, and where ours looks other than it does by itself. */

export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Niyanta API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<main id="docs"></main>
<noscript><p>These pages need JavaScript. The document itself: <a href="/openapi.json">/openapi.json</a></p></noscript>
<script src="/docs/script.js"></script>
</body>
</html>
`;

/** The validator of Swagger's makers is not asked, and no key is kept once the page is left. */
export const docsScript = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: false,
});
`;

export const docsStyle = `body { margin: 0; background: #fff; }
.swagger-ui .wrapper { max-width: 1120px; }
.swagger-ui .info { margin: 32px 0 16px; }
.swagger-ui .info .renderedMarkdown code, .swagger-ui .opblock-description code { color: inherit; font-weight: 500; }
.swagger-ui .scheme-container { box-shadow: none; margin: 0; padding: 0 0 16px; }
.swagger-ui .servers, .swagger-ui .servers-title { display: none; }
.swagger-ui .response-col_links, .swagger-ui .response-control-media-type__accept-message { display: none; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 12px; }
  .swagger-ui .opblock-tag { font-size: 20px; flex-wrap: wrap; }
  .swagger-ui .opblock-tag small { flex-basis: 100%; padding: 0; }
  .swagger-ui :is(table.parameters, table.responses-table) > thead { display: none; }
  .swagger-ui :is(table.parameters, table.responses-table),
  .swagger-ui :is(table.parameters, table.responses-table) > tbody,
  .swagger-ui :is(table.parameters, table.responses-table) > tbody > tr,
  .swagger-ui :is(table.parameters, table.responses-table) > tbody > tr > td { display: block; width: auto; max-width: 100%; }
}
`;
